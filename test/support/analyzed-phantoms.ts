/** Sets of phantom knees in memory, as analyses get them. */
import sharp from 'sharp';
import { takeRadiograph } from '../../examples/phantoms/radiograph.js';
import type { Grade } from '../../examples/phantoms/anatomy.js';
import { RandomStream } from '../../src/core/random.js';
import type { AnalyzedSet, AnalyzedSets } from '../../src/evaluation/analyses/analyzed-set.js';
import { extractFeatures } from '../../src/evaluation/features.js';
import type { SquareImage } from '../../src/evaluation/extractors/input.js';

export const quiet = () => undefined;

/** Gray knees of all grades in turn, [side, side] each. */
export async function phantomPixels(count: number, seed: number, side: number): Promise<Uint8Array[]> {
  const images: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    const random = new RandomStream(seed, `phantom/${i}`);
    const { width, height, pixels } = takeRadiograph(random, (i % 5) as Grade);
    images.push(await resized(pixels, width, height, side));
  }
  return images;
}

async function resized(pixels: Uint8Array, width: number, height: number, side: number): Promise<Uint8Array> {
  const image = sharp(pixels, { raw: { width, height, channels: 1 } });
  return image.resize(side, side, { fit: 'cover' }).toColourspace('b-w').raw().toBuffer();
}

export async function analyzed(
  pixels: readonly Uint8Array[],
  labels: readonly number[] | null = null,
): Promise<AnalyzedSet> {
  const side = Math.sqrt(pixels[0]?.length ?? 0);
  const images = pixels.map((image): SquareImage => ({ resolution: side, channels: 1, pixels: image }));
  return {
    images: pixels.length,
    side,
    channels: 1,
    labels: labels && Int32Array.from(labels),
    features: await extractFeatures(stream(images)),
    pixels: { read: async (index) => Uint8Array.from(pixels[index] as Uint8Array) },
  };
}

export async function* stream<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

export function setsOf(
  train: AnalyzedSet,
  holdout: AnalyzedSet | null,
  synthetic: AnalyzedSet,
  classes: readonly string[] | null = null,
): AnalyzedSets {
  return { train, holdout, synthetic, classes, extract: (images) => extractFeatures(images) };
}
