/** Reads files of sources concurrently, within a limit of bytes for the whole process. */
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
