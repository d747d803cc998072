/** A metric: compares the features of a synthetic set with those of a real set. */
import type { FeatureMatrix } from './feature-matrix.js';

export interface Metric<Value extends string> {
  /** Smallest number of images that each set must have. */
  minImages: number;
  /**
   * @param onStep called during long computations, to report progress
   * @returns the values that `src/spec/metrics.ts` lists for the metric
   * @throws RangeError when a set has fewer than `minImages` images
   */
  compare(synthetic: FeatureMatrix, real: FeatureMatrix, onStep: () => void): Promise<Record<Value, number>>;
}
