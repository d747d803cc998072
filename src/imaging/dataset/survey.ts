/** Looks at a source as a whole before any image is decoded: labels, patients, copies, sides. */
import { DatasetError } from '../../core/errors.js';
import { counted } from '../../core/counted.js';
import type { OnProgress } from '../../core/progress.js';
import type { PreprocessSpec } from '../../spec/preprocess.js';
import { sha256OfStream } from '../../storage/index.js';
import { type Duplicates, findDuplicates, type ScanOptions } from '../split/duplicates.js';
import type { ImageSource, SourceImage } from '../source/image-source.js';
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
  images: SourceImage[];
  layout: Layout;
  labels: Labels;
  /** What decides the side of each image: its path, or its patient. */
  keys: readonly string[];
  draws: Draws;
  /** Whether an image is held out, unless a copy or a small class moves it. */
  sides: Uint8Array;
  /** Number of images that are not in the data set, by reason. */
  leftOut: Record<string, number>;
  notices: string[];
}

/** The images that have a label and are not left out. */
export function usedImages({ images, labels }: Survey): SourceImage[] {
  return images.filter((_, i) => labels.labels[i] !== LEFT_OUT);
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
  const keys = patients ? paths.map((path, i) => keyOf(path, patients[i] ?? null)) : paths;
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
  const fileOf = Uint32Array.from([...counts].flatMap((frames, i) => new Array<number>(frames).fill(i)));
  const of = <T>(values: readonly T[]) => Array.from(fileOf, (i) => values[i] as T);
  let frame = 0;
  const expanded = Array.from(fileOf, (i, at): SourceImage => {
    frame = fileOf[at - 1] === i ? frame + 1 : 0;
    return (counts[i] as number) > 1 ? { ...(images[i] as SourceImage), frame } : (images[i] as SourceImage);
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

/** What decides the order: paths, with the frames of a file apart. */
function namesOfImages({ images, layout }: Pick<Survey, 'images' | 'layout'>): readonly string[] {
  if (!images.some(({ frame }) => frame)) return layout.paths;
  return images.map(({ frame }, i) => `${layout.paths[i]}${frame ? `\0${frame}` : ''}`);
}

/** Number of each image's file in the sorted list of the source, from 1. */
export function positionsOf({ images }: Pick<Survey, 'images'>): Uint32Array {
  let position = 0;
  return Uint32Array.from(images, ({ frame }) => (frame ? position : ++position));
}

/** Patients; from DICOM files when a rule for labels could have named them, but does not. */
async function findPatients(
  where: string,
  spec: PreprocessSpec,
  { layout, labels, tagged, read }: PatientSources,
): Promise<(string | null)[]> {
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
  patients: readonly (string | null)[] | null,
  paths: readonly string[],
  isHeldOutByImage: boolean,
): string[] {
  if (patients === null) {
    const notice = isHeldOutByImage ? patientNotice(paths) : null;
    return notice === null ? [] : [notice];
  }
  const unknown = patients.filter((patient) => patient === null).length;
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
  images: readonly SourceImage[],
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
  tags: readonly Record<string, string>[],
  where: NonNullable<PreprocessSpec['where']>,
  uri: string,
): Record<string, number> {
  let excluded = 0;
  for (const [i, label] of labels.labels.entries()) {
    if (label === LEFT_OUT || matchesTags(tags[i] ?? {}, where)) continue;
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

async function listImages(
  source: ImageSource,
  { onProgress, signal }: SurveyOptions,
): Promise<SourceImage[]> {
  const images: SourceImage[] = [];
  for await (const image of source.list()) {
    signal?.throwIfAborted();
    images.push(image);
    onProgress?.({ done: images.length, unit: 'images listed' });
  }
  return images;
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
  if (keys !== layout.paths || images.some(({ frame }) => frame)) joinEqual(keys, together);
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
function joinEqual(keys: readonly string[], groups: UnionFind): void {
  const first = new Map<string, number>();
  for (const [i, key] of keys.entries()) {
    const known = first.get(key);
    if (known === undefined) first.set(key, i);
    else groups.join(known, i);
  }
}

function conflictNotice({ sets }: Duplicates, labels: Int32Array): string[] {
  const differ = sets.filter(({ images }) =>
    images.some((i) => labels[i] !== labels[images[0] as number]),
  ).length;
  return differ > 0
    ? [`${counted(differ, 'sets of copies have more than one label')}: one of the labels is wrong`]
    : [];
}
