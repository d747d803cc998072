/**
 * All training images of a data set, decoded once into a local file that allows random access to
 * each image within microseconds.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { type FileHandle, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { DatasetError } from '../../core/errors.js';
import type { OnProgress } from '../../core/progress.js';
import { makeScratchFolder } from '../../core/scratch.js';
import { classifyFileError } from '../../storage/file-errors.js';
import type { ObjectStore } from '../../storage/index.js';
import { type Dataset, openDataset } from './dataset.js';
import { cacheName } from './dataset-manifest.js';
import { makeRoom, markUsed } from './training-cache.js';

export interface TrainingSet {
  readonly count: number;
  readonly resolution: number;
  readonly channels: 1 | 3;
  /** Class names in label order; null when unlabeled. */
  readonly classes: readonly string[] | null;
  /** Index into the classes; null when unlabeled. */
  label(index: number): number | null;
  /** Returns a new array, [resolution, resolution, channels] uint8. */
  pixels(index: number): Uint8Array;
  close(): void;
}

const IMAGES = 'images.bin';
const LABELS = 'labels.bin';

/**
 * Decodes the training images into a folder of the cache, or reuses the files of an earlier call.
 * Memory holds only the labels; the images are in the page cache of the operating system as far as
 * they fit.
 *
 * @param cacheFolder shared between processes and data sets; its content may be deleted at any time
 *   before the call.
 * @throws DatasetError when there is no such data set; StoreUnavailableError when the disk of the
 *   cache is full.
 */
export async function loadTrainingSet(
  store: ObjectStore,
  prefix: string,
  cacheFolder: string,
  options: { onProgress?: OnProgress; signal?: AbortSignal } = {},
): Promise<TrainingSet> {
  const dataset = await openDataset(store, prefix);
  const { images, resolution, channels, classes } = dataset.manifest;
  if (images.train === 0) throw new DatasetError({ what: 'contains no training images', where: prefix });
  const folder = path.join(cacheFolder, cacheName(dataset.manifest));
  const imageBytes = resolution * resolution * channels;
  try {
    if (!(await isComplete(folder, images.train, imageBytes))) {
      await makeRoom(cacheFolder, images.train * imageBytes);
      await decodeInto(folder, dataset, options);
    }
    await markUsed(folder);
    const labels = new Int32Array(images.train);
    Buffer.from(labels.buffer).set(await readFile(path.join(folder, LABELS)));
    return {
      count: images.train,
      resolution,
      channels,
      classes,
      ...openFiles(folder, images.train, imageBytes, classes ? labels : null),
    };
  } catch (error) {
    throw options.signal?.aborted ? error : classifyFileError(error, folder);
  }
}

function openFiles(folder: string, count: number, imageBytes: number, labels: Int32Array | null) {
  const file = openSync(path.join(folder, IMAGES), 'r');
  const check = (index: number) => {
    if (!Number.isInteger(index) || index < 0 || index >= count)
      throw new RangeError(`no image ${index} among ${count}`);
  };
  return {
    label(index: number): number | null {
      check(index);
      return labels ? (labels[index] as number) : null;
    },
    pixels(index: number): Uint8Array {
      check(index);
      const pixels = new Uint8Array(imageBytes);
      const read = readSync(file, pixels, 0, imageBytes, index * imageBytes);
      if (read === imageBytes) return pixels;
      throw new DatasetError({
        what: 'was truncated while in use',
        where: path.join(folder, IMAGES),
        hint: 'Do not change the cache folder.',
      });
    },
    close: () => closeSync(file),
  };
}

async function isComplete(folder: string, count: number, imageBytes: number): Promise<boolean> {
  const [images, labels] = await Promise.all(
    [IMAGES, LABELS].map((name) => stat(path.join(folder, name)).catch(() => null)),
  );
  return images?.size === count * imageBytes && labels?.size === count * Int32Array.BYTES_PER_ELEMENT;
}

/**
 * Writes to a temporary folder and renames file by file. Incomplete files are replaced, and files
 * that another process has open stay readable. When several processes decode the same data set, the
 * last rename wins; all files are equal.
 */
async function decodeInto(
  folder: string,
  dataset: Dataset,
  options: { onProgress?: OnProgress; signal?: AbortSignal },
): Promise<void> {
  const cache = path.dirname(folder);
  await mkdir(cache, { recursive: true });
  const temporary = await makeScratchFolder('training-set', cache);
  try {
    await writeImages(temporary, dataset, options);
    await mkdir(folder, { recursive: true });
    for (const name of [LABELS, IMAGES]) await rename(path.join(temporary, name), path.join(folder, name));
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function writeImages(
  folder: string,
  dataset: Dataset,
  { onProgress, signal }: { onProgress?: OnProgress; signal?: AbortSignal },
): Promise<void> {
  const total = dataset.manifest.images.train;
  const labels = new Int32Array(total);
  let file: FileHandle | undefined;
  try {
    file = await open(path.join(folder, IMAGES), 'wx');
    let done = 0;
    for await (const { index, label, pixels } of dataset.images('train', { signal })) {
      await file.writeFile(pixels);
      labels[index] = label ?? 0;
      onProgress?.({ done: ++done, total, unit: 'images' });
    }
    await file.sync();
  } finally {
    await file?.close();
  }
  const labelFile = await open(path.join(folder, LABELS), 'wx');
  await labelFile.writeFile(Buffer.from(labels.buffer));
  await labelFile.sync();
  await labelFile.close();
}
