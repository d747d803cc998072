/**
 * Splits images into training and holdout images: seeded, by class, with groups kept together, and
 * nested when a limit is set.
 */
import { createHash } from 'node:crypto';
import { counted } from '../../core/counted.js';
import { DatasetError, TooFewImagesError } from '../../core/errors.js';
import { LEFT_OUT } from '../labels/labels.js';
import type { Sequence } from '../source/column.js';

/** What is split: one entry for each image. */
export interface SplitImages {
  /** null when unlabeled. */
  classes: readonly string[] | null;
  labels: Int32Array;
  draws: Draws;
  /** Images with the same number stay on one side. */
  groups: Int32Array;
  /** The sides of a given split: 1 is held out. */
  heldOut: Uint8Array | null;
}

export interface SplitOptions {
  /** Fraction of each class that is held out, 0...0.9. */
  fraction: number;
  /** Maximum number of training images; null for all. */
  limit: number | null;
}

/** Indices into the list of images, in the order in which they are stored. */
export interface Split {
  train: Uint32Array;
  holdout: Uint32Array;
  notices: string[];
}

/** Numbers in [0, 1) for each image, which depend on nothing but the seed and its keys. */
export interface Draws {
  /** Below the fraction: held out, if no copy and no small class moves it. */
  side: Float64Array;
  /** Of images that stay together, the one with the least rank gives the side. */
  rank: Float64Array;
  /** Order of the images of a class. */
  order: Float64Array;
}

/**
 * @param paths decide the order
 * @param keys decide the side: the paths, or patients
 */
export function drawImages(seed: number, paths: Sequence<string>, keys: Sequence<string>): Draws {
  const [side, rank, order] = [0, 1, 2].map(() => new Float64Array(paths.length)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const digest = (key: string) => createHash('sha256').update(`${seed}\0split\0${key}`).digest();
  const uniform = (bytes: Buffer, at: number) => bytes.readUIntBE(at, 6) / 2 ** 48;
  for (const [i, path] of paths.entries()) {
    const own = digest(path);
    const key = keys.at(i) as string;
    const deciding = key === path ? own : digest(key);
    side[i] = uniform(deciding, 0);
    rank[i] = uniform(deciding, 6);
    order[i] = uniform(own, 12);
  }
  return { side, rank, order };
}

/**
 * Each key has its side by a keyed hash, whatever the other images are: when images are added, no
 * earlier image changes sides. Classes therefore have the fraction on average, with the deviation
 * of a random draw. A class always has images on both sides, which may move its nearest group.
 *
 * The order of each class is random by a second hash. Classes are interleaved so that every prefix
 * of the training order contains them in proportion, and each class at least once when the prefix
 * has at least as many images as there are classes. A limit takes such a prefix: smaller subsets
 * are contained in larger ones, and all of them have the same holdout.
 *
 * @throws DatasetError when a class is too small to be split, or the limit is too low;
 *   TooFewImagesError when it is above the number of images
 */
export function splitImages(images: SplitImages, options: SplitOptions, where: string): Split {
  const { order } = images.draws;
  const members = membersOf(images);
  requireTwo(members, where);
  const { held, notices } = images.heldOut
    ? givenSides(images)
    : hashedSides(images, members, options, where);
  const inOrder = (side: 0 | 1) =>
    members.map((list) =>
      list
        .filter((i) => held[i] === side)
        .sort((a, b) => (order[a] as number) - (order[b] as number) || a - b),
    );
  const train = interleave(inOrder(0));
  const classes = members.filter((list) => list.length > 0).length;
  requireTraining(images, members, held, where);
  const holdout = interleave(inOrder(1));
  if (!images.heldOut && options.fraction < 0.5 && holdout.length >= train.length)
    notices.push(
      `${holdout.length} images are held out and only ${train.length} are for training, as happens in small sets and when images of a patient or copies stay together: preprocess.holdout.fraction (--holdout) is ${options.fraction}`,
    );
  return {
    train: train.subarray(0, checkedLimit(options.limit, train.length, classes, where)),
    holdout,
    notices,
  };
}

/** Images of each class. */
function membersOf({ classes, labels }: SplitImages): Uint32Array[] {
  const counts = (classes ?? ['all']).map(() => 0);
  for (const label of labels) if (label !== LEFT_OUT) counts[label] = (counts[label] as number) + 1;
  const members = counts.map((count) => new Uint32Array(count));
  const left = [...counts];
  for (let i = labels.length - 1; i >= 0; i--) {
    const label = labels[i] as number;
    if (label === LEFT_OUT) continue;
    left[label] = (left[label] as number) - 1;
    (members[label] as Uint32Array)[left[label] as number] = i;
  }
  return members;
}

interface Sides {
  /** 1 for images that are held out. */
  held: Uint8Array;
  notices: string[];
}

/** The given sides. A holdout must not contain copies of training images: those join it. */
function givenSides({ heldOut, groups }: SplitImages): Sides {
  const held = Uint8Array.from(heldOut ?? []);
  const heldGroups = new Set<number>();
  for (const [i, side] of held.entries()) if (side === 1) heldGroups.add(groups[i] as number);
  let moved = 0;
  for (const [i, group] of groups.entries()) {
    if (held[i] === 1 || !heldGroups.has(group)) continue;
    held[i] = 1;
    moved++;
  }
  const notice = `${counted(moved, 'training images are copies of images that the given split holds out')}: held out, too`;
  return { held, notices: moved > 0 ? [notice] : [] };
}

/** The side of each group: that of the member whose second hash is least, which is unbiased. */
function hashedSides(
  images: SplitImages,
  members: readonly Uint32Array[],
  { fraction }: SplitOptions,
  where: string,
): Sides {
  const { labels, groups, draws } = images;
  if (fraction === 0) return { held: new Uint8Array(labels.length), notices: [] };
  const draw = groupDraws(groups, draws);
  const heldGroups = Uint8Array.from(draw, (side) => (side < fraction ? 1 : 0));
  const limited = limitClasses(images, members, { draw, heldGroups, fraction });
  const notices = [...limited, ...fillClasses(images, members, draw, heldGroups, where)];
  return { held: Uint8Array.from(groups, (group) => heldGroups[group] as number), notices };
}

/**
 * The largest share of a class that chance may hold out: twice the fraction, and less for large
 * fractions. It is reached in small classes only: of 50 images at 0.2, in 1 of 10,000 draws.
 */
function mostHeld(fraction: number, images: number): number {
  const share = fraction <= 0.25 ? 2 * fraction : fraction + (1 - fraction) / 3;
  return Math.max(1, Math.floor(share * images));
}

/**
 * Trains on the groups with the highest draws where chance holds out far more of a class than was
 * asked for. Only then may an image change sides when others are added.
 */
function limitClasses(
  { classes, labels, groups }: SplitImages,
  members: readonly Uint32Array[],
  { draw, heldGroups, fraction }: { draw: Float64Array; heldGroups: Uint8Array; fraction: number },
): string[] {
  const limited = { labels: [] as number[], images: 0, drawn: 0, held: 0 };
  for (const [label, own] of members.entries()) {
    const held = own.filter((i) => heldGroups[groups[i] as number] === 1);
    const most = mostHeld(fraction, own.length);
    if (held.length <= most) continue;
    const byDraw = [...new Set(held.map((i) => groups[i] as number))].sort(
      (a, b) => (draw[b] as number) - (draw[a] as number),
    );
    let count = held.length;
    // The last group stays: a patient of many images may be more than the limit.
    for (const group of byDraw.slice(0, -1)) {
      if (count <= most) break;
      heldGroups[group] = 0;
      count -= held.filter((i) => groups[i] === group && labels[i] === label).length;
    }
    if (count === held.length) continue;
    limited.labels.push(label);
    limited.images += own.length;
    limited.drawn += held.length;
    limited.held += count;
  }
  if (limited.labels.length === 0) return [];
  const of = classes ? ` of label ${limited.labels.join(', ')}` : '';
  return [
    `chance would hold out ${limited.drawn} of ${limited.images} images${of}, and ${fraction} was asked for: ${limited.held} are held out. Images of so small a class may change sides when others are added`,
  ];
}

/** The draw of each group, by its number. */
function groupDraws(groups: Int32Array, { side, rank }: Draws): Float64Array {
  const draw = new Float64Array(groups.length).fill(1);
  const least = new Float64Array(groups.length).fill(1);
  for (const [i, group] of groups.entries()) {
    if ((rank[i] as number) >= (least[group] as number)) continue;
    least[group] = rank[i] as number;
    draw[group] = side[i] as number;
  }
  return draw;
}

/** Moves groups so that each class is on both sides, as far as groups of several classes allow. */
function fillClasses(
  { classes, labels, groups }: SplitImages,
  members: readonly Uint32Array[],
  draw: Float64Array,
  heldGroups: Uint8Array,
  where: string,
): string[] {
  const ofClass = members.map((list) =>
    Int32Array.from(list, (i) => groups[i] as number)
      .sort()
      .filter((group, i, sorted) => i === 0 || group !== sorted[i - 1]),
  );
  let byGroup: Map<number, Set<number>> | undefined;
  const classesOf = (group: number) => {
    byGroup ??= classesByGroup(labels, groups);
    return byGroup.get(group) ?? [];
  };
  const sideCount = (label: number, isHeld: 0 | 1) =>
    (ofClass[label] as Int32Array).reduce((sum, group) => sum + (heldGroups[group] === isHeld ? 1 : 0), 0);
  const single: string[] = [];
  let unfilled = 0;
  for (const [label, own] of ofClass.entries()) {
    const images = (members[label] as Uint32Array).length;
    if (images === 0) continue;
    if (images === 1) throw tooSmall(classes?.[label], where);
    if (own.length === 1) single.push(classes ? `the class of label ${label}` : 'the source');
    // A group that is all of a class is trained on.
    for (const side of own.length === 1 ? ([0] as const) : ([0, 1] as const)) {
      if (sideCount(label, side) > 0) continue;
      const nearest = [...own].sort((a, b) => (draw[a] as number) - (draw[b] as number));
      if (side === 0) nearest.reverse();
      const other = side === 0 ? 1 : 0;
      // A group may hold images of other classes, which must keep another group on its side.
      const free = nearest.find((group) =>
        [...classesOf(group)].every((also) => also === label || sideCount(also, other) > 1),
      );
      if (free === undefined) unfilled++;
      else heldGroups[free] = side;
    }
  }
  return [
    ...single.map((name) => `${name} has images of a single patient, or copies of one: none is held out`),
    ...(unfilled > 0
      ? [
          `${counted(unfilled, 'classes are on one side of the split')}, since the patients have other classes too`,
        ]
      : []),
  ];
}

function classesByGroup(labels: Int32Array, groups: Int32Array): Map<number, Set<number>> {
  const classes = new Map<number, Set<number>>();
  for (const [i, label] of labels.entries()) {
    const group = groups[i] as number;
    const known = classes.get(group) ?? new Set();
    if (label !== LEFT_OUT) classes.set(group, known.add(label));
  }
  return classes;
}

function tooSmall(name: string | undefined, where: string): DatasetError {
  return new DatasetError({
    what: `${name === undefined ? 'the source' : `class "${name}"`} has a single image, which cannot be both trained on and held out`,
    where,
    hint: 'Add images to the class, remove its folder, take fewer classes (findings of preprocess.labels in a table: "first" or {"one": NAME}), or set preprocess.holdout.fraction (--holdout) to 0.',
  });
}

function requireTwo(members: readonly Uint32Array[], where: string): void {
  if (members.reduce((sum, images) => sum + images.length, 0) >= 2) return;
  throw new DatasetError({
    what: 'contains a single image',
    where,
    hint: 'A generator needs hundreds of images to learn from.',
  });
}

function requireTraining(
  { classes, heldOut }: SplitImages,
  members: readonly Uint32Array[],
  held: Uint8Array,
  where: string,
): void {
  const label = members.findIndex((list) => list.length > 0 && list.every((i) => held[i] === 1));
  if (label < 0) return;
  throw new DatasetError({
    what: `class "${classes?.[label] ?? 'all'}" has no training images`,
    where,
    hint: heldOut
      ? 'The given split holds out all of them, or copies of them. Set preprocess.splits (--splits) to "merge", or preprocess.duplicates (--duplicates) to "ignore".'
      : 'Hold out fewer images, or remove the class.',
  });
}

/** Merges lists by the relative position within each list, so that each is distributed evenly. */
function interleave(lists: Uint32Array[]): Uint32Array {
  const total = lists.reduce((sum, list) => sum + list.length, 0);
  const merged = new Uint32Array(total);
  const next = lists.map(() => 0);
  for (let i = 0; i < total; i++) {
    let best = -1;
    let bestPosition = Number.POSITIVE_INFINITY;
    for (let label = 0; label < lists.length; label++) {
      const length = (lists[label] as Uint32Array).length;
      const position = (next[label] as number) / length;
      if ((next[label] as number) < length && position < bestPosition)
        [best, bestPosition] = [label, position];
    }
    merged[i] = (lists[best] as Uint32Array)[next[best] as number] as number;
    next[best] = (next[best] as number) + 1;
  }
  return merged;
}

function checkedLimit(limit: number | null, images: number, classes: number, where: string): number {
  if (limit === null) return images;
  if (limit > images) {
    throw new TooFewImagesError({
      what: `preprocess.limit is ${limit}, but there are only ${images} training images`,
      where,
      hint: 'Lower preprocess.limit (--limit), remove it, or hold out fewer images.',
    });
  }
  if (limit < classes) {
    throw new DatasetError({
      what: `preprocess.limit is ${limit}, which leaves some of the ${classes} classes without images`,
      where,
      hint: `Raise the limit to ${classes} or more, or set preprocess.labels (--labels) to "none".`,
    });
  }
  return limit;
}
