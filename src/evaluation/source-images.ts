/** Reads the images of a folder, archive or bucket, square and of one size, for their features. */
import { availableParallelism } from 'node:os';
import { ImageError } from '../core/errors.js';
import { mapInOrder } from '../imaging/in-flight.js';
import {
  channelsOf,
  type ImageSource,
  ownOptions,
  type ProcessOptions,
  processImage,
} from '../imaging/index.js';
import type { SquareImage } from './extractors/input.js';

/** More than a batch, so that the next one is decoded while features are computed. */
const DECODED_AHEAD = Math.max(32, 2 * availableParallelism());

/** Number of images of a source whose sizes are looked at. */
const SIZES_OF = 100;

/** Sides of the squares that the first images of a source have, ascending. */
export async function sidesOf(source: ImageSource, names: readonly string[]): Promise<number[]> {
  const sides = new Set<number>();
  for (const name of names.slice(0, SIZES_OF)) {
    try {
      sides.add((await ownOptions(await source.read(name), name)).resolution);
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
    }
  }
  return [...sides].sort((a, b) => a - b);
}

/**
 * Yields every readable image, in the order of the names.
 *
 * @param onSkip called with the reason why an image cannot be read
 */
export async function* sourceImages(
  source: ImageSource,
  names: readonly string[],
  options: ProcessOptions,
  onSkip: (reason: string) => void,
): AsyncGenerator<SquareImage & { name: string }> {
  const { resolution, color } = options;
  const decode = async (name: string): Promise<(SquareImage & { name: string }) | null> => {
    try {
      const pixels = await processImage(await source.read(name), options, name);
      return { name, pixels, resolution, channels: channelsOf(color) };
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
      onSkip(error.message);
      return null;
    }
  };
  for await (const image of mapInOrder(names, DECODED_AHEAD, decode)) if (image) yield image;
}
