/** Gives the files of a source to the threads of this process, in batches. */
import { DatasetError } from '../../core/errors.js';
import type { PreprocessSpec } from '../../spec/preprocess.js';
import type { MadeImage, MakeSettings } from '../pixels/make-image.js';
import { withBytesOfAll } from '../source/bounded-read.js';
import type { ImageSource, SourceImage } from '../source/image-source.js';
import { runTask } from './image-pool.js';
import type { FileContent, ListedFile, Outcome } from './messages.js';
import { rejectionReason } from '../pixels/rejection-reason.js';

/** A batch: a message for each file would cost as much as a small image. */
const BATCH_FILES = 16;
const BATCH_BYTES = 2 ** 20;

/** Frames of one file, which a batch reads once. */
const BATCH_FRAMES = 64;

/** Consecutive items, together at most as large as a batch. Frames of a file stay together. */
export function* inBatches<Item>(
  items: Iterable<Item>,
  bytesOf: (item: Item) => number,
  imageOf?: (item: Item) => SourceImage,
): Generator<Item[]> {
  let batch: Item[] = [];
  let [files, bytes] = [0, 0];
  let last: string | undefined;
  for (const item of items) {
    const image = imageOf?.(item);
    let isSameFile = image?.frame !== undefined && image.name === last;
    const isFull = isSameFile
      ? batch.length >= BATCH_FRAMES
      : files >= BATCH_FILES || bytes + bytesOf(item) > BATCH_BYTES;
    if (batch.length > 0 && isFull) {
      yield batch;
      [batch, files, bytes, isSameFile] = [[], 0, 0, false];
    }
    batch.push(item);
    last = image?.name;
    if (isSameFile) continue;
    files++;
    bytes += bytesOf(item);
  }
  if (batch.length > 0) yield batch;
}

export interface MadeWithThumbnail {
  made: MadeImage;
  /** null when the image cannot be decoded, or none was asked for. */
  thumbnail: Uint8Array | null;
}

/** @throws DatasetError when a file is not what was listed */
export function makeImages(
  source: ImageSource,
  images: readonly SourceImage[],
  settings: MakeSettings,
  { wantsThumbnails }: { wantsThumbnails: boolean },
): Promise<MadeWithThumbnail[]> {
  const run = (files: ListedFile[]) => runTask({ kind: 'make', files, settings, wantsThumbnails });
  const failed = (reason: string) => ({ made: { notes: [], reason }, thumbnail: null });
  return overFiles(source, images, run, failed);
}

/** The thumbnail of each image, null for those that cannot be decoded. @throws DatasetError */
export function lookAtImages(
  source: ImageSource,
  images: readonly SourceImage[],
  { frames }: Pick<PreprocessSpec['dicom'], 'frames'>,
): Promise<(Uint8Array | null)[]> {
  const run = (files: ListedFile[]) => runTask({ kind: 'look', files, frames });
  return overFiles(source, images, run, () => null);
}

/** @param failed the result of a file that cannot be read out of its archive, with the reason */
async function overFiles<T>(
  source: ImageSource,
  images: readonly SourceImage[],
  run: (files: ListedFile[]) => Promise<Outcome<T>[]>,
  failed: (reason: string) => T,
): Promise<T[]> {
  const local = images.map((image) => source.localPath?.(image) ?? null);
  // The frames of a file share its bytes.
  const read = new Map(images.filter((_, i) => local[i] === null).map((image) => [image.name, image]));
  const results = await withBytesOfAll(source, [...read.values()], (bytes) => {
    const byName = new Map([...read.keys()].map((name, i) => [name, bytes[i]]));
    const contents = local.map(
      (path, i) =>
        (path === null ? byName.get((images[i] as SourceImage).name) : { path }) as FileContent | Error,
    );
    return runReadable(contents, images, run, failed);
  });
  return Promise.all(
    results.map(async (result, i) => {
      if (result === 'changed') throw changed(source.uri);
      if (result !== 'unreadable') return result;
      const image = images[i] as SourceImage;
      const [again] = await overFiles(withoutPaths(source), [image], run, failed);
      return again as T;
    }),
  );
}

/** The same source without paths, so that its own error says why a file cannot be read. */
function withoutPaths(source: ImageSource): ImageSource {
  return {
    uri: source.uri,
    contents: source.contents,
    list: () => source.list(),
    read: (name, options) => source.read(name, options),
  };
}

async function runReadable<T>(
  contents: readonly (FileContent | Error)[],
  images: readonly SourceImage[],
  run: (files: ListedFile[]) => Promise<Outcome<T>[]>,
  failed: (reason: string) => T,
): Promise<Outcome<T>[]> {
  const files = contents.flatMap((content, i) =>
    content instanceof Error ? [] : [listedFile(content, images[i] as SourceImage)],
  );
  const results = files.length > 0 ? await run(files) : [];
  return contents.map((content) =>
    content instanceof Error ? failed(rejectionReason(content)) : (results.shift() as Outcome<T>),
  );
}

function listedFile(content: FileContent, { bytes, identity, frame }: SourceImage): ListedFile {
  return { content, length: bytes, sha256: /^sha256:(.*)$/.exec(identity)?.[1] ?? null, frame };
}

/**
 * The digest identifies the images as they were listed, so changed images must not be stored under
 * it.
 */
function changed(where: string): DatasetError {
  return new DatasetError({
    what: 'contains an image that has changed since it was listed',
    where,
    hint: 'Do not change the source while it is read, and start the run again.',
  });
}
