/** Finds copies of images in a source: the same bytes, and images that look the same. */
import type { OnProgress } from '../../core/progress.js';
import type { PreprocessSpec } from '../../spec/preprocess.js';
import { sha256 } from '../../storage/index.js';
import type { DuplicateReport } from './duplicate-report.js';
import { FirstByKey } from './first-by-key.js';
import { HashIndex } from './hash-index.js';
import { withBytes } from '../source/bounded-read.js';
import type { Sequence } from '../source/column.js';
import type { ImageSource, SourceImage } from '../source/image-source.js';
import { mapInOrder } from '../in-flight.js';
import { differenceHash, isBlank, looksSame, type Signature, signatureOf } from './signature.js';
import { TASKS_IN_FLIGHT } from '../threads/image-pool.js';
import { inBatches, lookAtImages } from '../threads/work-on-files.js';
import { UnionFind } from './union-find.js';

/** Up to this number of images, `auto` compares what they show: each is decoded once more. */
export const AUTO_NEAR_IMAGES = 20_000;
/**
 * Larger sets of images that look alike, and sets with a larger share of all images, are a kind of
 * image rather than copies of one.
 */
const MAX_NEAR_SET = 12;
const MAX_NEAR_SHARE = 1 / 3;
/** Number of images decoded concurrently. */
const CONCURRENT_IMAGES = 8;

export interface Duplicates {
  /** Union of the images that are copies of each other. */
  groups: UnionFind;
  report: DuplicateReport;
  /** Sets of at least two images, as indices into the list. */
  sets: { kind: 'exact' | 'near'; images: number[] }[];
  notices: string[];
}

/** The thumbnails of images, null for those that cannot be decoded. */
export type LookAt = (images: SourceImage[]) => Promise<(Uint8Array | null)[]>;

export interface ScanOptions {
  onProgress?: OnProgress;
  signal?: AbortSignal;
  /** Default: decodes the images for this alone. */
  lookAt?: LookAt;
}

/** How copies are looked for in a number of images. */
export function duplicateMethod(
  { duplicates, holdout, splits }: PreprocessSpec,
  images: number,
): Pick<DuplicateReport, 'method' | 'why'> {
  if (duplicates !== 'auto') return { method: duplicates, why: 'as set' };
  if (holdout.fraction === 0 && splits !== 'keep') return { method: 'exact', why: 'nothing is held out' };
  if (images <= AUTO_NEAR_IMAGES) return { method: 'near', why: `up to ${AUTO_NEAR_IMAGES} images` };
  return { method: 'exact', why: `more than ${AUTO_NEAR_IMAGES} images` };
}

/**
 * Compares the images that are used with each other. Memory: 1 KiB for each image with `near`.
 *
 * @param isUsed whether an image is compared, by its index
 */
export async function findDuplicates(
  source: ImageSource,
  images: Sequence<SourceImage>,
  spec: PreprocessSpec,
  isUsed: (image: number) => boolean,
  options: ScanOptions = {},
): Promise<Duplicates> {
  const { method, why } = duplicateMethod(spec, images.length);
  const exact = new UnionFind(images.length);
  const work = { source, images, spec, isUsed, options };
  if (method !== 'ignore') await joinExact(work, exact);
  const groups = exact.copy();
  const alike = method === 'near' ? await joinNear(work, exact, groups) : 0;
  const exactSets = exact.sets().map((set) => ({ kind: 'exact' as const, images: set }));
  const nearSets = groups
    .sets()
    .filter((set) => new Set(set.map((i) => exact.find(i))).size > 1)
    .map((set) => ({ kind: 'near' as const, images: set }));
  const count = (sets: readonly { images: number[] }[]) => ({
    sets: sets.length,
    images: sets.reduce((sum, set) => sum + set.images.length, 0),
  });
  return {
    groups,
    report: { method, why, exact: count(exactSets), near: count(nearSets) },
    sets: [...exactSets, ...nearSets],
    notices:
      alike > 0 ? [`${alike} images look alike, too many to be copies: each has a side of its own`] : [],
  };
}

interface Work {
  source: ImageSource;
  images: Sequence<SourceImage>;
  spec: PreprocessSpec;
  isUsed: (image: number) => boolean;
  options: ScanOptions;
}

/** Files with equal checksums. Those that have none are read when their sizes are equal. */
async function joinExact({ source, images, isUsed, options }: Work, groups: UnionFind): Promise<void> {
  const { onProgress, signal } = options;
  const areShared = sharedSizes(images);
  const isUnchecked = ({ identity, bytes }: SourceImage) => identity.startsWith('time:') && areShared(bytes);
  /** Checksums of the files that were read for this. */
  const read = new Map<number, string>();
  const keyOf = ({ frame }: SourceImage, content: string) =>
    frame === undefined ? content : `${content}\0${frame}`;
  const digest = async (image: SourceImage) => {
    const content = isUnchecked(image) ? await withBytes(source, image, sha256) : null;
    return { key: keyOf(image, content ?? image.identity), content };
  };
  const first = new FirstByKey(images.length, (i) => {
    const image = images.at(i) as SourceImage;
    return keyOf(image, read.get(i) ?? image.identity);
  });
  let done = 0;
  for await (const { key, content } of mapInOrder(images, CONCURRENT_IMAGES, digest, signal)) {
    if (content !== null) read.set(done, content);
    if (isUsed(done)) groups.join(first.add(done, key), done);
    done++;
    onProgress?.({ done, total: images.length, unit: 'images compared' });
  }
}

/** Tells whether a size is that of several images which have no checksum. */
function sharedSizes(images: Sequence<SourceImage>): (bytes: number) => boolean {
  const sizes = new Float64Array(images.length);
  let count = 0;
  for (const { identity, bytes } of images) if (identity.startsWith('time:')) sizes[count++] = bytes;
  const sorted = sizes.subarray(0, count).sort();
  return (bytes) => {
    let [low, high] = [0, count];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sorted[middle] as number) < bytes) low = middle + 1;
      else high = middle;
    }
    return sorted[low + 1] === bytes;
  };
}

/** @returns number of images that look like too many others */
async function joinNear(
  { source, images, spec, isUsed, options }: Work,
  exact: UnionFind,
  groups: UnionFind,
): Promise<number> {
  const { onProgress, signal } = options;
  const signatures = new Map<number, Signature>();
  const index = new HashIndex();
  const alike = new UnionFind(images.length);
  // One of several exact copies is enough.
  const seen = Array.from({ length: images.length }, (_, i) => i).filter(
    (i) => isUsed(i) && exact.find(i) === i,
  );
  const lookAt = options.lookAt ?? ((some: SourceImage[]) => lookAtImages(source, some, spec.dicom));
  const look = async (batch: number[]) => {
    const found = await lookAt(batch.map(imageOf));
    return batch.map((i, place) => ({ i, pixels: found[place] ?? null }));
  };
  const imageOf = (i: number) => images.at(i) as SourceImage;
  const batches = inBatches(seen, (i) => imageOf(i).bytes, imageOf);
  let done = 0;
  let compared = 0;
  for await (const batch of mapInOrder(batches, TASKS_IN_FLIGHT, look, signal)) {
    for (const { i, pixels } of batch) {
      const own = pixels && signatureOf(pixels);
      if (own === null || isBlank(own)) continue;
      compared++;
      const hash = differenceHash(own.pixels);
      const { name } = images.at(i) as SourceImage;
      // The frames of a file are no copies.
      for (const other of index.near(hash))
        if (images.at(other)?.name !== name && looksSame(own, signatures.get(other) as Signature))
          alike.join(other, i);
      index.add(i, hash);
      signatures.set(i, own);
    }
    done += batch.length;
    onProgress?.({ done, total: seen.length, unit: 'images looked at for copies' });
  }
  return joinSets(alike.sets(), groups, MAX_NEAR_SHARE * compared);
}

/** @returns number of images that look like too many others */
function joinSets(sets: readonly number[][], groups: UnionFind, most: number): number {
  let alike = 0;
  for (const set of sets) {
    if (set.length > Math.min(MAX_NEAR_SET, most)) alike += set.length;
    else for (const image of set) groups.join(set[0] as number, image);
  }
  return alike;
}
