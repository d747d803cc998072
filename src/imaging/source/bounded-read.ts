/** Reads files of sources concurrently, within a limit of bytes for the whole process. */
import { ImageError } from '../../core/errors.js';
import { WeightedLimit } from '../in-flight.js';
import type { ImageSource, SourceImage } from './image-source.js';

/** Bytes of image files that are in memory at the same time. A larger file is read alone. */
const reading = new WeightedLimit(32 * 2 ** 20);

/** Reads an image and works on its bytes, which must not be kept. Must not be nested. */
export function withBytes<T>(
  source: ImageSource,
  { name, bytes }: Pick<SourceImage, 'name' | 'bytes'>,
  work: (content: Uint8Array) => T | Promise<T>,
): Promise<T> {
  return reading.run(bytes, async () => work(await source.read(name)));
}

/**
 * The same for several images together. The bytes of an image that is too large, or corrupt within
 * its archive, are that error.
 */
export async function withBytesOfAll<T>(
  source: ImageSource,
  images: readonly Pick<SourceImage, 'name' | 'bytes'>[],
  work: (contents: ({ bytes: Uint8Array } | ImageError)[]) => Promise<T>,
): Promise<T> {
  const read = async (name: string) => {
    try {
      return { bytes: await source.read(name) };
    } catch (error) {
      if (error instanceof ImageError) return error;
      throw error;
    }
  };
  const readAll = async () => work(await Promise.all(images.map(({ name }) => read(name))));
  if (images.length === 0) return readAll();
  const bytes = images.reduce((sum, image) => sum + image.bytes, 0);
  return reading.run(bytes, readAll);
}
