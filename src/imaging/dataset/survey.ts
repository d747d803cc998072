/** Looks at a source as a whole before any image is decoded: labels, patients, copies, sides. */
import { DatasetError } from '../../core/errors.js';
import { counted } from '../../core/counted.js';
import type { OnProgress } from '../../core/progress.js';
import type { PreprocessSpec } from '../../spec/preprocess.js';
import { sha256OfStream } from '../../storage/index.js';
import { type Duplicates, findDuplicates, type ScanOptions } from '../split/duplicates.js';
import type { ImageSource, SourceImage } from '../source/image-source.js';
import { Column, type Sequence } from '../source/column.js';
import { FirstByKey } from '../split/first-by-key.js';
import { type Labels, LEFT_OUT, labelImages, layoutOf } from '../labels/labels.js';
import type { Layout } from '../labels/layout.js';
import { canNamePatients, mayNeedPatientTags, patientNotice, patientsOf } from '../labels/patients.js';
import { type Draws, drawImages, type Split, splitImages } from '../split/split.js';
import { framesOfFiles } from './all-frames.js';
import { matchesTags } from '../dicom/tags.js';
import { skippedNotices } from '../source/source-contents.js';
import { type ImageTags, tagsOfImages } from '../source/tag-reader.js';
import type { UnionFind } from '../split/union-find.js';

export interface SurveyOptions {
  onProgress?: OnProgress;
  signal?: AbortSignal;
}

/** What is known about the images of a source. It stays in memory, since patients are in it. */
export interface Survey {
  images: Sequence<SourceImage>;
  layout: Layout;
  labels: Labels;
  /** What decides the side of each image: its path, or its patient. */
  keys: Sequence<string>;
  draws: Draws;
  /** Whether an image is held out, unless a copy or a small class moves it. */
  sides: Uint8Array;
  /** Number of images that are not in the data set, by reason. */
  leftOut: Record<string, number>;
  notices: string[];
}

/** The images that have a label and are not left out. */
export function usedImages({ images, labels: { labels } }: Survey): Sequence<SourceImage> {
  if (!labels.includes(LEFT_OUT)) return images;
  let count = 0;
  for (const label of labels) if (label !== LEFT_OUT) count++;
  const used = new Uint32Array(count);
  for (let i = labels.length - 1; i >= 0; i--) if (labels[i] !== LEFT_OUT) used[--count] = i;
  return Column.pick(images, used);
}

/** @throws DatasetError or ArchiveError when the source cannot be used. */
export async function surveySource(
  source: ImageSource,
  spec: PreprocessSpec,
  options: SurveyOptions = {},
): Promise<Survey> {
  const images = await listImages(source, options);
  const layout = layoutOf(source, images, spec.splits);
  const read = (keywords: readonly string[]) => readTags(source, images, keywords, options);
  const wanted = tagsOfSpec(spec);
  const tagged = wanted.length > 0 ? await read(wanted) : null;
  const tags = tagged?.values ?? null;
  const labels = await labelImages(source, images, { labels: spec.labels, tags, layout });
  const excluded = spec.where === null ? {} : leaveOut(labels, tags ?? [], spec.where, source.uri);
  const { paths } = layout;
  const isByPatient = spec.holdout.by === 'patient' && layout.heldOut === null;
  const patients = isByPatient
    ? await findPatients(source.uri, spec, { layout, labels, tagged, read })
    : null;
  const keys = patients ? Column.map(paths, (path, i) => keyOf(path, patients.at(i) ?? null)) : paths;
  const { fraction, seed } = spec.holdout;
  const notices = [
    ...skippedNotices(source.contents.skipped),
    ...labels.notices,
    ...tagNotices(tagged),
    ...patientNotices(patients, paths, fraction > 0 && layout.heldOut === null),
  ];
  const files = { images, layout, labels, keys };
  const all = spec.dicom.frames === 'all' ? await withAllFrames(source, files, options) : files;
  const draws = drawImages(seed, namesOfImages(all), all.keys);
  const sides = all.layout.heldOut ?? Uint8Array.from(draws.side, (side) => (side < fraction ? 1 : 0));
  return { ...all, draws, sides, leftOut: { ...labels.leftOut, ...excluded }, notices };
}

/** Each frame of a used file becomes an image with the path, label and key of the file. */
async function withAllFrames<Files extends Pick<Survey, 'images' | 'layout' | 'labels' | 'keys'>>(
  source: ImageSource,
  files: Files,
  { onProgress, signal }: SurveyOptions,
) {
  const { images, layout, labels } = files;
  const onFile = (done: number) =>
    onProgress?.({ done, total: images.length, unit: 'files asked for frames' });
  const counts = await framesOfFiles(source, images, { onFile, signal });
  const { fileOf, frameOf } = framesInOrder(counts);
  const of = <T>(values: Sequence<T>) => Column.pick(values, fileOf);
  const expanded = Column.map(of(images), (image, at): SourceImage => {
    const isOneOfSeveral = (counts[fileOf[at] as number] as number) > 1;
    return isOneOfSeveral ? { ...image, frame: frameOf[at] as number } : image;
  });
  const { heldOut } = layout;
  return {
    images: expanded,
    keys: of(files.keys),
    layout: {
      ...layout,
      paths: of(layout.paths),
      heldOut: heldOut && Uint8Array.from(fileOf, (i) => heldOut[i] as number),
    },
    labels: {
      ...labels,
      labels: Int32Array.from(fileOf, (i) => labels.labels[i] as number),
      patients: labels.patients && of(labels.patients),
    },
  };
}

/** The file of each image, and its number in it. */
function framesInOrder(counts: Uint32Array): { fileOf: Uint32Array; frameOf: Uint32Array } {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const [fileOf, frameOf] = [new Uint32Array(total), new Uint32Array(total)];
  let at = 0;
  for (const [i, count] of counts.entries())
    for (let frame = 0; frame < count; frame++, at++) [fileOf[at], frameOf[at]] = [i, frame];
  return { fileOf, frameOf };
}

/** What decides the order: paths, with the frames of a file apart. */
function namesOfImages({ images, layout }: Pick<Survey, 'images' | 'layout'>): Sequence<string> {
  if (!images.some(({ frame }) => frame !== undefined)) return layout.paths;
  return Column.map(images, ({ frame }, i) => `${layout.paths.at(i)}${frame ? `\0${frame}` : ''}`);
}

/** Number of each image's file in the sorted list of the source, from 1. */
export function positionsOf({ images }: Pick<Survey, 'images'>): Uint32Array {
  let position = 0;
  const positions = new Uint32Array(images.length);
  for (const [i, { frame }] of images.entries()) positions[i] = frame ? position : ++position;
  return positions;
}

/** Patients; from DICOM files when a rule for labels could have named them, but does not. */
async function findPatients(
  where: string,
  spec: PreprocessSpec,
  { layout, labels, tagged, read }: PatientSources,
): Promise<Sequence<string | null>> {
  const labelled = labels.patients?.some((patient) => patient !== null) ? labels.patients : null;
  const isTagNeeded = tagged === null && labelled === null && mayNeedPatientTags(spec);
  const tags = isTagNeeded ? await read(['PatientID']) : tagged;
  return patientsOf(spec, { layout, labelled, tags: tags?.values ?? null }, where);
}

interface PatientSources {
  layout: Layout;
  labels: Labels;
  /** Tags that were read for labels and subsets. */
  tagged: ImageTags | null;
  read: (keywords: readonly string[]) => Promise<ImageTags>;
}

function keyOf(path: string, patient: string | null): string {
  // A path has no NUL.
  return patient === null ? path : `\0${patient}`;
}

function patientNotices(
  patients: Sequence<string | null> | null,
  paths: Sequence<string>,
  isHeldOutByImage: boolean,
): string[] {
  if (patients === null) {
    const notice = isHeldOutByImage ? patientNotice(paths) : null;
    return notice === null ? [] : [notice];
  }
  let unknown = 0;
  for (const patient of patients) if (patient === null) unknown++;
  return unknown > 0
    ? [`${counted(unknown, 'images have no patient')}: each counts as a patient of its own`]
    : [];
}

/** Keywords that labels, `where` and patients need; patients may also be named elsewhere. */
function tagsOfSpec(spec: PreprocessSpec): string[] {
  const keywords = new Set(Object.keys(spec.where ?? {}));
  if (typeof spec.labels === 'object' && 'dicom' in spec.labels) keywords.add(spec.labels.dicom);
  const isRead = keywords.size > 0 || !canNamePatients(spec);
  if (isRead && mayNeedPatientTags(spec)) keywords.add('PatientID');
  return [...keywords];
}

function readTags(
  source: ImageSource,
  images: Sequence<SourceImage>,
  keywords: readonly string[],
  { onProgress, signal }: SurveyOptions,
): Promise<ImageTags> {
  const onImage = (done: number) => onProgress?.({ done, total: images.length, unit: 'DICOM tags read' });
  return tagsOfImages(source, images, keywords, { onImage, signal });
}

function tagNotices(tags: ImageTags | null): string[] {
  const notices: string[] = [];
  if (tags && tags.damaged > 0)
    notices.push(`${counted(tags.damaged, 'DICOM files are damaged or too large')}: no tags are known`);
  if (tags && tags.others > 0)
    notices.push(counted(tags.others, 'images are no DICOM file, and have no DICOM tags'));
  return notices;
}

/** Leaves out the images whose tags have other values. */
function leaveOut(
  labels: Labels,
  tags: Sequence<Record<string, string>>,
  where: NonNullable<PreprocessSpec['where']>,
  uri: string,
): Record<string, number> {
  let excluded = 0;
  for (const [i, label] of labels.labels.entries()) {
    if (label === LEFT_OUT || matchesTags(tags.at(i) ?? {}, where)) continue;
    labels.labels[i] = LEFT_OUT;
    excluded++;
  }
  if (labels.labels.some((label) => label !== LEFT_OUT)) return excluded > 0 ? { [EXCLUDED]: excluded } : {};
  throw new DatasetError({
    what: `none of ${tags.length} images has the values of preprocess.where (--where)`,
    where: uri,
    hint: 'Look at the tags of one file: `dcmdump FILE`.',
  });
}

const EXCLUDED = 'images that preprocess.where leaves out';

function listImages(
  source: ImageSource,
  { onProgress, signal }: SurveyOptions,
): Promise<Sequence<SourceImage>> {
  const onImage = (done: number) => onProgress?.({ done, unit: 'images listed' });
  return source.list({ onImage, ...(signal && { signal }) });
}

/**
 * Covers what the plan depends on: images, classes, labels and sides. A patient is in it by the
 * side alone, of which there are two.
 */
export async function surveyDigest({ images, labels, sides }: Survey): Promise<string> {
  async function* lines() {
    yield Buffer.from(`${JSON.stringify(labels.classes)}\n`);
    for (const [i, { name, bytes, identity, frame }] of images.entries())
      yield Buffer.from(
        `${JSON.stringify([name, bytes, identity, labels.labels[i], sides[i], ...(frame === undefined ? [] : [frame])])}\n`,
      );
  }
  return (await sha256OfStream(lines())).sha256;
}

/** Finds copies, then splits: copies stay on one side, and so do the images of a patient. */
export async function splitSurvey(
  source: ImageSource,
  spec: PreprocessSpec,
  { images, layout, labels, draws, keys }: Survey,
  options: ScanOptions = {},
): Promise<{ split: Split; duplicates: Duplicates }> {
  const isUsed = (i: number) => labels.labels[i] !== LEFT_OUT;
  const duplicates = await findDuplicates(source, images, spec, isUsed, options);
  const together = duplicates.groups.copy();
  // The frames of a file are on one side, too.
  if (keys !== layout.paths || images.some(({ frame }) => frame !== undefined)) joinEqual(keys, together);
  const { fraction } = spec.holdout;
  const split = splitImages(
    {
      classes: labels.classes,
      labels: labels.labels,
      draws,
      groups: together.roots(),
      heldOut: layout.heldOut,
    },
    { fraction, limit: spec.limit },
    source.uri,
  );
  const conflict = conflictNotice(duplicates, labels.labels);
  return { split, duplicates: { ...duplicates, notices: [...duplicates.notices, ...conflict] } };
}

/** Joins the images with equal keys. */
function joinEqual(keys: Sequence<string>, groups: UnionFind): void {
  const first = new FirstByKey(keys.length, (i) => keys.at(i) as string);
  for (const [i, key] of keys.entries()) groups.join(first.add(i, key), i);
}

function conflictNotice({ sets }: Duplicates, labels: Int32Array): string[] {
  const differ = sets.filter(({ images }) =>
    images.some((i) => labels[i] !== labels[images[0] as number]),
  ).length;
  return differ > 0
    ? [`${counted(differ, 'sets of copies have more than one label')}: one of the labels is wrong`]
    : [];
}
