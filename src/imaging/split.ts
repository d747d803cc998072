/**
 * Splits images into training and holdout images: seeded, stratified by class, and nested when a
 * limit is set.
 */
import { DatasetError } from '../core/errors.js';
import { RandomStream } from '../core/random.js';
import type { Labels } from './labels.js';

export interface SplitOptions {
  /** Fraction of each class that is held out, 0...0.9. */
  fraction: number;
  seed: number;
  /** Maximum number of training images; null for all. */
  limit: number | null;
}

/** Indices into the list of images, in the order in which they are stored. */
export interface Split {
  train: Uint32Array;
  holdout: Uint32Array;
}

/**
 * Each class is shuffled by (seed, class). Its first `round(fraction * n)` images, at least one and
 * never all, are held out. The rest is interleaved so that every prefix of the training order
 * contains the classes in proportion (rounded up to whole images), and each class at least once
 * when the prefix has at least as many images as there are classes. A limit takes such a prefix:
 * smaller subsets are contained in larger ones, and all of them have the same holdout.
 *
 * @throws DatasetError when a class is too small to be split, or the limit is out of range.
 */
export function splitImages({ classes, labels }: Labels, options: SplitOptions, where: string): Split {
  const names = classes ?? ['all'];
  const members: number[][] = names.map(() => []);
  for (const [i, label] of labels.entries()) members[label]?.push(i);
  requireSplittable(classes, members, options, where);

  const train: number[][] = [];
  const holdout: number[][] = [];
  members.forEach((images, label) => {
    const shuffled = new RandomStream(options.seed, `holdout/${names[label]}`).shuffle(images);
    const count = holdoutCount(images.length, options.fraction);
    holdout.push(shuffled.slice(0, count));
    train.push(shuffled.slice(count));
  });
  const ordered = interleave(train);
  return {
    train: ordered.subarray(0, checkedLimit(options.limit, ordered.length, names.length, where)),
    holdout: interleave(holdout),
  };
}

/** Number of held-out images of a class of n. */
function holdoutCount(n: number, fraction: number): number {
  if (fraction === 0) return 0;
  return Math.min(n - 1, Math.max(1, Math.round(fraction * n)));
}

function requireSplittable(
  classes: string[] | null,
  members: number[][],
  { fraction }: SplitOptions,
  where: string,
): void {
  const total = members.reduce((sum, images) => sum + images.length, 0);
  if (total < 2) {
    throw new DatasetError({
      what: 'contains a single image',
      where,
      hint: 'A generator needs hundreds of images to learn from.',
    });
  }
  const small = members.findIndex((images) => images.length < 2);
  if (fraction === 0 || small < 0) return;
  throw new DatasetError({
    what: `class "${classes?.[small] ?? ''}" has a single image, which cannot be both trained on and held out`,
    where,
    hint: 'Add images to the class, remove its folder, or set preprocess.holdout.fraction to 0.',
  });
}

/** Merges lists by the relative position within each list, so that each is distributed evenly. */
function interleave(lists: number[][]): Uint32Array {
  const total = lists.reduce((sum, list) => sum + list.length, 0);
  const merged = new Uint32Array(total);
  const next = lists.map(() => 0);
  for (let i = 0; i < total; i++) {
    let best = -1;
    let bestPosition = Number.POSITIVE_INFINITY;
    for (let label = 0; label < lists.length; label++) {
      const length = (lists[label] as number[]).length;
      const position = (next[label] as number) / length;
      if ((next[label] as number) < length && position < bestPosition)
        [best, bestPosition] = [label, position];
    }
    merged[i] = (lists[best] as number[])[next[best] as number] as number;
    next[best] = (next[best] as number) + 1;
  }
  return merged;
}

function checkedLimit(limit: number | null, images: number, classes: number, where: string): number {
  if (limit === null) return images;
  if (limit > images) {
    throw new DatasetError({
      what: `preprocess.limit is ${limit}, but there are only ${images} training images`,
      where,
      hint: 'Lower the limit, remove it, or hold out fewer images.',
    });
  }
  if (limit < classes) {
    throw new DatasetError({
      what: `preprocess.limit is ${limit}, which leaves some of the ${classes} classes without images`,
      where,
      hint: `Raise the limit to ${classes} or more, or set preprocess.labels to "none".`,
    });
  }
  return limit;
}
