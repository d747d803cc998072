/** Derives the class of each image, and says where it comes from. */
import { counted } from '../../core/counted.js';
import { DatasetError } from '../../core/errors.js';
import type { LabelsSpec, PreprocessSpec } from '../../spec/preprocess.js';
import { SKIPPED } from '../source/file-kinds.js';
import { refuseIdentifiers, refusePatientFolders } from './identifiers.js';
import { Column, type Sequence } from '../source/column.js';
import type { ImageSource, SourceImage } from '../source/image-source.js';
import { readLabelFile } from './label-file.js';
import { csvRows } from './csv-labels.js';
import { type JsonLabels, jsonRows, matchRows } from './label-table.js';
import { classFolders, emptyFolders, findLayout, foldersWithoutImages, type Layout } from './layout.js';
import { compareNaturally } from './natural-order.js';
import { matchPaths } from './path-rule.js';

/** The label of an image that is left out. */
export const LEFT_OUT = -1;

/** Where labels come from. Shown and stored: it names no file, folder or patient. */
export interface LabelBasis {
  from: 'dataset.json' | 'folders' | 'none' | 'csv' | 'json' | 'path' | 'dicom';
  why: string;
}

/** Class names in label order, and the label of each image. */
export interface Labels {
  /** null when unlabeled. */
  classes: string[] | null;
  /** [images] int32, index into `classes`, or {@link LEFT_OUT}; zeros when unlabeled. */
  labels: Int32Array;
  /** Patient of each image, where the rule for labels says it. Stays in memory. */
  patients: Sequence<string | null> | null;
  basis: LabelBasis;
  /** Number of images that are left out, by reason. */
  leftOut: Record<string, number>;
  /** What the user should know. */
  notices: string[];
}

export interface LabelOptions extends Pick<PreprocessSpec, 'labels'> {
  /** Tags of each image; null when none were read. */
  tags: Sequence<Record<string, string>> | null;
  layout: Layout;
}

/** What a rule finds. */
interface Found {
  /** Class of each image by name; null leaves the image out. */
  names: Sequence<string | null>;
  /** All classes in label order, or more classes than the images have. */
  classes?: { names: readonly string[]; isOrdered: boolean };
  patients?: Sequence<string | null>;
  basis: LabelBasis;
  /** Why an image has no name. */
  reason: string;
  notices?: string[];
}

/**
 * Labels of the images of a listed source. Classes are in natural order (grade2 before grade10).
 *
 * @throws DatasetError when the rule does not fit the source, or classes look like patients.
 */
export async function labelImages(
  source: ImageSource,
  images: Sequence<SourceImage>,
  { labels, tags, layout }: LabelOptions,
): Promise<Labels> {
  const rule = { source, images, layout, tags };
  const found = await (labels === 'auto' ? findLabels(rule) : applyRule(rule, labels));
  if (!('names' in found)) return unlabeled(images.length, found.why);
  const numbered = numberClasses(found, source.uri);
  await refusePatientFolders(source, images, numbered);
  return numbered;
}

interface Rule {
  source: ImageSource;
  images: Sequence<SourceImage>;
  layout: Layout;
  tags: Sequence<Record<string, string>> | null;
}

/** The layout of a listed source. @throws DatasetError when it is split already */
export function layoutOf(
  source: ImageSource,
  images: Sequence<SourceImage>,
  splits: PreprocessSpec['splits'],
): Layout {
  const names = Column.map(images, ({ name }) => name);
  return findLayout(names, unusedFolders(source, names), splits, source.uri);
}

function unusedFolders({ contents }: ImageSource, names: Sequence<string>): string[] {
  return foldersWithoutImages(contents.folders, contents.documents, names);
}

function applyRule(
  rule: Rule,
  labels: Exclude<LabelsSpec, 'auto'>,
): Found | Promise<Found> | { why: string } {
  if (labels === 'none') return { why: 'labels are switched off' };
  if (labels === 'folders') return fromFolders(rule);
  if ('csv' in labels) return fromCsv(rule, labels);
  if ('json' in labels) return fromJson(rule, labels.json);
  if ('path' in labels) return fromPaths(rule, labels.path);
  return fromTags(rule, labels.dicom);
}

/** Folders into which a large set was divided: `images_001`, `part_2`, `fold3`. */
const PART = /(^|[-_ ])(images?|imgs?|parts?|folds?|batch|chunk|shard|subset|disc|cv)[-_ ]?\d+$/i;
/** Folders of pictures that are no images of patients, but say something about them. */
const MASKS = /^(masks?|segmentations?|segs?|annotations?|ground[-_ ]?truths?|gt|rois?)$/i;

/** @throws DatasetError when a class is a folder of masks */
function refuseMasks(classes: ReadonlySet<string | null>, where: string): void {
  if (![...classes].some((name) => name !== null && MASKS.test(name))) return;
  throw new DatasetError({
    what: 'has a folder of masks or annotations beside the images: that is no class',
    where,
    hint: 'Give the folder of the images, or set preprocess.labels (--labels) to a pattern over the path.',
  });
}

/** A notice where folders of masks are within those of classes. */
function maskNotices({ paths }: Layout): string[] {
  let masks = 0;
  for (const path of paths) {
    const folders = path.split('/').slice(0, -1);
    if (folders.some((part) => MASKS.test(part))) masks++;
  }
  return masks > 0
    ? [
        `${counted(masks, 'files are in folders of masks or annotations')}, and used as images: leave them out with a pattern for labels, preprocess.labels (--labels)`,
      ]
    : [];
}

/** `auto`: dataset.json of StyleGAN, else folders, else none. */
async function findLabels(rule: Rule): Promise<Found | { why: string }> {
  const { source, images, layout } = rule;
  const file = source.contents.tables.find((name) => /^([^/]+\/)?dataset\.json$/.test(name));
  if (file !== undefined) {
    const labels = await readStyleGan(source, file);
    if (labels === null) return { why: 'dataset.json says that there are no labels' };
    if (labels !== 'other')
      return fromRows(rule, labels, 'dataset.json', "StyleGAN's dataset.json has labels");
  }
  if (images.every(({ name }) => /(^|\/)\d{5}\/img\d{8}\.\w+$/.test(name)))
    return { why: "folders of a thousand images, as StyleGAN's tools write them, and no dataset.json" };
  const folders = [...new Set(classFolders(layout))];
  const areParts = folders.length > 0 && folders.every((name) => name !== null && PART.test(name));
  if (folders.length > 1 && !areParts) return fromFolders(rule);
  const tables = source.contents.tables.filter((name) => /\.[ct]sv$/i.test(name)).length;
  const advice = tables ? `; ${tables} CSV ${tables > 1 ? 'files' : 'file'} may: labels: {csv: FILE}` : '';
  const where = areParts && folders.length > 1 ? 'numbered parts of one set' : 'one folder';
  const said = file === undefined ? 'no dataset.json says more' : 'dataset.json has no labels that are read';
  return { why: `all images are in ${where}, and ${said}${advice}` };
}

/** @returns `other` when a program other than StyleGAN wrote the file */
async function readStyleGan(source: ImageSource, name: string): Promise<JsonLabels | null | 'other'> {
  try {
    return jsonRows(await readLabelFile(source, name), name);
  } catch (error) {
    if (error instanceof DatasetError) return 'other';
    throw error;
  }
}

function fromFolders({ source, images, layout }: Rule): Found {
  const names = classFolders(layout);
  refuseMasks(new Set(names), source.uri);
  let loose = 0;
  for (const name of names) if (name === null) loose++;
  const hint = 'Put every image into the folder of its class, or set preprocess.labels (--labels) to "none".';
  if (loose === names.length)
    throw new DatasetError({ what: 'has no class folders', where: source.uri, hint });
  if (loose > 0) {
    const what = `${loose} of ${names.length} images are not in a class folder`;
    throw new DatasetError({ what, where: source.uri, hint });
  }
  const siblings = emptyFolders(
    layout,
    unusedFolders(
      source,
      Column.map(images, ({ name }) => name),
    ),
  );
  const wraps = layout.depth > 0 ? `, ${layout.depth} folder${layout.depth > 1 ? 's' : ''} down` : '';
  return {
    names,
    classes: { names: siblings, isOrdered: false },
    basis: { from: 'folders', why: `each folder is a class${wraps}` },
    reason: SKIPPED.other,
    notices: maskNotices(layout),
  };
}

async function fromCsv(rule: Rule, spec: Extract<LabelsSpec, { csv: string }>): Promise<Found> {
  const { rows, why, notices } = csvRows(await readLabelFile(rule.source, spec.csv), spec);
  const found = fromRows(rule, { rows, classes: null }, 'csv', why);
  return { ...found, notices: [...notices, ...(found.notices ?? [])] };
}

async function fromJson(rule: Rule, address: string): Promise<Found> {
  const labels = jsonRows(await readLabelFile(rule.source, address), address);
  if (labels) return fromRows(rule, labels, 'json', 'a JSON file gives the label of each image');
  throw new DatasetError({
    what: 'says that there are no labels',
    where: address,
    hint: 'Use labels: "none".',
  });
}

function fromRows(
  { source, images }: Rule,
  labels: JsonLabels,
  from: LabelBasis['from'],
  why: string,
): Found {
  const names = Array.from(images, ({ name }) => name);
  const matched = matchRows(labels.rows, names, source.uri);
  const { rowsWithoutImage: extra } = matched;
  const notices =
    extra > 0
      ? [`${counted(extra, 'rows of labels are of no image in the source')}, of ${labels.rows.length}`]
      : [];
  const known = labels.classes ?? labels.rows.map(({ label }) => label).filter((label) => label !== null);
  return {
    names: matched.labels,
    classes: { names: known, isOrdered: labels.classes !== null },
    patients: matched.patients,
    basis: { from, why },
    reason: 'images without a label in the table',
    notices,
  };
}

function fromPaths({ source, layout }: Rule, pattern: string): Found {
  const groups = matchPaths(pattern, layout.paths, source.uri);
  return {
    names: Column.map(groups, (found) => found?.label || null),
    patients: Column.map(groups, (found) => found?.patient ?? null),
    basis: { from: 'path', why: 'a pattern over the path gives label of each image' },
    reason: 'images whose path the pattern for labels does not match',
  };
}

function fromTags({ images, tags }: Rule, keyword: string): Found {
  const value = (i: number) => tags?.at(i)?.[keyword]?.trim() || null;
  return {
    names: new Column(images.length, value),
    basis: { from: 'dicom', why: `the DICOM tag ${keyword} gives the label of each image` },
    reason: `images without the DICOM tag ${keyword}`,
  };
}

/** `Int32Array.from` would first make an array of all values. */
function int32Of<T>(values: Sequence<T>, make: (value: T) => number): Int32Array {
  const made = new Int32Array(values.length);
  for (const [i, value] of values.entries()) made[i] = make(value);
  return made;
}

function unlabeled(count: number, why: string): Labels {
  return {
    classes: null,
    labels: new Int32Array(count),
    patients: null,
    basis: { from: 'none', why },
    leftOut: {},
    notices: [],
  };
}

function numberClasses(
  { names, classes, patients, basis, reason, notices = [] }: Found,
  where: string,
): Labels {
  const of = Column.map(names, (name) => name?.normalize('NFC') ?? null);
  // A million names are some dozens of classes.
  const used = new Set<string>();
  let missing = 0;
  for (const name of of)
    if (name === null) missing++;
    else used.add(name);
  if (missing === of.length) {
    throw new DatasetError({
      what: `no image has a label: ${missing} ${reason}`,
      where,
      hint: 'Compare preprocess.labels (--labels) with the paths of a few images.',
    });
  }
  const all = new Set(used);
  for (const name of classes?.names ?? []) all.add(name.normalize('NFC'));
  const ordered = classes?.isOrdered ? [...classes.names] : [...all].sort(compareNaturally);
  refuseIdentifiers(ordered, of.length - missing, where);
  const index = new Map(ordered.map((name, i) => [name, i]));
  const similar = ordered.length - new Set(ordered.map((name) => name.toLowerCase())).size;
  const caseNotice = `${counted(similar, 'classes have the name of another')} in other letters (case): they are classes of their own`;
  return {
    classes: ordered,
    labels: int32Of(of, (name) => (name === null ? LEFT_OUT : (index.get(name) ?? LEFT_OUT))),
    patients: patients ?? null,
    basis,
    leftOut: missing > 0 ? { [reason]: missing } : {},
    notices: similar > 0 ? [...notices, caseNotice] : notices,
  };
}
