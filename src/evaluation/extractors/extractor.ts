/**
 * The interface of a feature extractor: a network that maps images to the vectors that metrics use.
 */
import type { SquareImage } from './input.js';

export interface FeatureExtractor {
  /** Suffix of the names of metrics that use its features, as in `fd_effnetlite0`. */
  readonly name: string;
  /**
   * Increment when the features of an image change. Stored features of other versions are not read.
   */
  readonly version: number;
  /** Number of features per image. */
  readonly dimensions: number;
  /** Number of images for which {@link LoadedExtractor.extract} is fastest. */
  readonly batch: number;
  /** @throws SetupError when the weights are missing; CheckpointError when they are corrupt. */
  load(): Promise<LoadedExtractor>;
}

export interface LoadedExtractor {
  /** Extracts the features of images of any size, in order: [images, dimensions]. */
  extract(images: readonly SquareImage[]): Promise<Float32Array>;
  dispose(): void;
}
