/** The sets that analyses look at: features, pixels and classes of each image. */
import type { OnProgress } from '../../core/progress.js';
import { RandomStream } from '../../core/random.js';
import type { KeepFigure } from '../../spec/analyses.js';
import type { SquareImage } from '../extractors/input.js';
import { type FeatureMatrix, rowsAt } from '../metrics/feature-matrix.js';

const SEED = 0;

export interface AnalyzedSet {
  images: number;
  side: number;
  channels: 1 | 3;
  /** Class of each image; null without classes. */
  labels: Int32Array | null;
  features: FeatureMatrix;
  pixels: { read(index: number): Promise<Uint8Array> };
}

export interface AnalyzedSets {
  train: AnalyzedSet;
  /** Real images that the generator has not seen; null: there are none. */
  holdout: AnalyzedSet | null;
  synthetic: AnalyzedSet;
  /** Names of the classes in label order; null without classes. */
  classes: readonly string[] | null;
  /** The extractor that the features are of. */
  extract(images: AsyncIterable<SquareImage>): Promise<FeatureMatrix>;
}

/** What an analysis may do besides computing. */
export interface AnalysisOutlets {
  /** null: no figures are wanted. */
  keep: KeepFigure | null;
  onProgress: OnProgress;
}

/** Some images of a set, in the given order. */
export function subsetOf(set: AnalyzedSet, indices: Int32Array): AnalyzedSet {
  const { labels, features, pixels } = set;
  return {
    ...set,
    images: indices.length,
    labels: labels && Int32Array.from(indices, (index) => labels[index] as number),
    features: rowsAt(features, indices),
    pixels: { read: (index) => pixels.read(indices[index] as number) },
  };
}

/**
 * At most `count` of n indices in random order, the same each time. Indices at equal distances
 * would all be of one class where a set has its classes in turn.
 */
export function drawn(n: number, count: number): Int32Array {
  const order = new RandomStream(SEED, 'drawn images').shuffle(Array.from({ length: n }, (_, i) => i));
  return Int32Array.from(order.slice(0, count));
}

export async function* imagesOf(set: AnalyzedSet, indices?: Iterable<number>): AsyncGenerator<SquareImage> {
  const { side: resolution, channels } = set;
  for (const index of indices ?? Array(set.images).keys())
    yield { resolution, channels, pixels: await set.pixels.read(index) };
}
