/** The interface through which labels, subsets and patients are read from DICOM tags. */
import { DatasetError } from '../core/errors.js';
import type { ImageSource, SourceImage } from './image-source.js';
import { mapInOrder } from './in-flight.js';

/**
 * The values of tags of a DICOM file, by keyword; keywords that the file lacks are absent.
 *
 * @throws ImageError when the file is not DICOM, or corrupt.
 */
export type TagReader = (bytes: Uint8Array, keywords: readonly string[]) => Record<string, string>;

export const readNoTags: TagReader = () => {
  throw new DatasetError({
    what: 'DICOM tags are not available in this version',
    hint: 'Take labels from folders, a table or the path.',
  });
};

/** Number of files read concurrently. */
const CONCURRENT_FILES = 8;

/** Tags of every image; an image without readable tags has none. They stay in memory. */
export async function tagsOfImages(
  source: ImageSource,
  images: readonly SourceImage[],
  keywords: readonly string[],
  {
    readTags,
    onImage,
    signal,
  }: { readTags: TagReader; onImage?: (done: number) => void; signal?: AbortSignal },
): Promise<Record<string, string>[]> {
  const read = async ({ name }: SourceImage) => {
    try {
      return readTags(await source.read(name), keywords);
    } catch (error) {
      if (error instanceof Error && error.name === 'ImageError') return {};
      throw error;
    }
  };
  const all: Record<string, string>[] = [];
  for await (const tags of mapInOrder(images, CONCURRENT_FILES, read, signal)) {
    all.push(tags);
    onImage?.(all.length);
  }
  return all;
}
