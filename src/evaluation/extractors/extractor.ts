/**
 * The interface of a feature extractor: a network that maps images to the vectors that metrics use.
 */
import type { FeatureMatrix } from '../metrics/feature-matrix.js';
import type { ExtractorImage } from './input.js';

export interface FeatureExtractor {
  /** Suffix of the names of metrics that use its features, as in `fd_effnetlite0`. */
  readonly name: string;
  /** Number of features per image. */
  readonly dimensions: number;
  /** Number of images for which {@link LoadedExtractor.extract} is fastest. */
  readonly batch: number;
  /** @throws SetupError when the weights are missing; CheckpointError when they are corrupt. */
  load(): Promise<LoadedExtractor>;
}

export interface LoadedExtractor {
  /** Extracts the features of images of any size, in order: [images, dimensions]. */
  extract(images: readonly ExtractorImage[]): Promise<Float32Array>;
  /** Logits of the classes from features; only of networks that classify. */
  classify?(features: FeatureMatrix): FeatureMatrix;
  dispose(): void;
}
