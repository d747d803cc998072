/** Chooses the window of 16-bit images once for a data set, from a sample of its source. */
import { ImageError } from '../core/errors.js';
import type { PreprocessSpec } from '../spec/preprocess.js';
import { sample16 } from './decode.js';
import type { ImageSource, SourceImage } from './image-source.js';
import { mapInOrder } from './in-flight.js';
import { chooseRange, type WindowChoice } from './window-choice.js';

/** Images that are read, spread evenly over the list: more would slow down planning. */
const SAMPLED_IMAGES = 32;
const SAMPLES_PER_IMAGE = 2 ** 16;
const CONCURRENT = 4;

/**
 * The same list and setting always give the same window.
 *
 * @param images in the order of their names.
 * @throws DatasetError when the source cannot be read.
 */
export async function planWindow(
  source: ImageSource,
  images: readonly SourceImage[],
  window: PreprocessSpec['window'],
  signal?: AbortSignal,
): Promise<WindowChoice> {
  if (window === 'full' || (window !== 'auto' && 'bits' in window))
    return chooseRange(window, new Uint16Array());
  const step = Math.max(1, images.length / SAMPLED_IMAGES);
  const chosen = Array.from({ length: Math.min(images.length, SAMPLED_IMAGES) }, (_, i) => {
    return images[Math.floor(i * step)] as SourceImage;
  });
  const samples: number[] = [];
  for await (const found of mapInOrder(chosen, CONCURRENT, ({ name }) => sampleOf(source, name), signal))
    for (const value of found ?? []) samples.push(value);
  return chooseRange(window, Uint16Array.from(samples));
}

/** An image that cannot be decoded is rejected later, with its reason. */
async function sampleOf(source: ImageSource, name: string): Promise<Uint16Array | null> {
  try {
    return await sample16(await source.read(name), SAMPLES_PER_IMAGE);
  } catch (error) {
    if (error instanceof ImageError) return null;
    throw error;
  }
}
