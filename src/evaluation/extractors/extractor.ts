/** What a feature extractor is: a network that turns images into vectors that figures are computed on. */
import type { SquareImage } from './input.js';

export interface FeatureExtractor {
  /** Ends the names of figures that stand on its features, as in `fd_effnetlite0`. */
  readonly name: string;
  /** Counts up whenever the features of an image change; those of another version in the store are not read. */
  readonly version: number;
  /** Features of an image. */
  readonly dimensions: number;
  /** Images that one call of {@link LoadedExtractor.extract} takes best. */
  readonly batch: number;
  /** @throws SetupError when its weights are not there; CheckpointError when they are damaged. */
  load(): Promise<LoadedExtractor>;
}

export interface LoadedExtractor {
  /** Features of images of any size, in order. [images, dimensions] */
  extract(images: readonly SquareImage[]): Promise<Float32Array>;
  dispose(): void;
}
