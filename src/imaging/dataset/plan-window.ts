/** Chooses the window of 16-bit images once for a data set, from a sample of its source. */
import { ImageError } from '../../core/errors.js';
import type { PreprocessSpec } from '../../spec/preprocess.js';
import { sample16 } from '../pixels/decode.js';
import type { Sequence } from '../source/column.js';
import type { ImageSource, SourceImage } from '../source/image-source.js';
import { mapInOrder } from '../in-flight.js';
import { chooseRange, type WindowChoice } from '../pixels/window-choice.js';

/** Images that are read at most, spread evenly over the list: more would slow down planning. */
const SAMPLED_IMAGES = 32;
/** Coprime to their number: the first images of the sample are spread over the list, too. */
const STRIDE = 13;
/** No more images are decoded once this many pixels were. */
const SAMPLED_PIXELS = 16_000_000;
const SAMPLES_PER_IMAGE = 2 ** 16;
/** Number of images decoded concurrently. */
const CONCURRENT_IMAGES = 2;

/**
 * The same list and setting always give the same window.
 *
 * @param images in the order of their names.
 * @throws DatasetError when the source cannot be read.
 */
export async function planWindow(
  source: ImageSource,
  images: Sequence<SourceImage>,
  window: PreprocessSpec['window'],
  signal?: AbortSignal,
): Promise<WindowChoice> {
  const isSet = window === 'full' || (window !== 'auto' && 'bits' in window);
  if (isSet) return chooseRange(window, new Uint16Array());
  const places = Array.from(
    { length: SAMPLED_IMAGES },
    (_, i) => ((i * STRIDE) % SAMPLED_IMAGES) / SAMPLED_IMAGES,
  );
  const look = (place: number) =>
    sampleOf(source, (images.at(Math.floor(place * images.length)) as SourceImage).name);
  const samples: number[] = [];
  let pixels = 0;
  for await (const found of mapInOrder(places, CONCURRENT_IMAGES, look, signal)) {
    pixels += found?.pixels ?? 0;
    for (const value of found?.samples ?? []) samples.push(value);
    if (pixels >= SAMPLED_PIXELS) break;
  }
  return chooseRange(window, Uint16Array.from(samples));
}

/** An image that cannot be decoded is rejected later, with its reason. */
async function sampleOf(source: ImageSource, name: string): ReturnType<typeof sample16> {
  try {
    return await sample16(await source.read(name), SAMPLES_PER_IMAGE);
  } catch (error) {
    if (error instanceof ImageError) return null;
    throw error;
  }
}
