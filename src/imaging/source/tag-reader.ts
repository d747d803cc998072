/** The tags of the DICOM files of a source that labels, subsets and patients need. */
import { ImageError } from '../../core/errors.js';
import { readDicomTags } from '../dicom/tags.js';
import type { ImageSource, SourceImage } from './image-source.js';
import { mapInOrder } from '../in-flight.js';

/** Number of files read concurrently. */
const CONCURRENT_FILES = 8;

/** Tags of every image; an image without readable tags has none. They stay in memory. */
export async function tagsOfImages(
  source: ImageSource,
  images: readonly SourceImage[],
  keywords: readonly string[],
  { onImage, signal }: { onImage?: (done: number) => void; signal?: AbortSignal },
): Promise<Record<string, string>[]> {
  const read = async ({ name }: SourceImage) => {
    try {
      return readDicomTags(await source.read(name), keywords);
    } catch (error) {
      if (error instanceof ImageError) return {};
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
