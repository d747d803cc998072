/** The kinds of metrics: on two sets of features, on one, or on the pixels of one set. */
import type { Interval } from '../../spec/analyses.js';
import type { LineFit } from '../../spec/line-fit.js';
import type { FeatureMatrix } from './feature-matrix.js';
import type { ComparedImage } from './ssim.js';

/** Values, and 95 % intervals of some of them. */
export interface Measurement<Value extends string> {
  values: Partial<Record<Value, number>>;
  intervals: Partial<Record<Value, Interval>>;
}

/** Compares the features of a synthetic set with those of a real set. */
export interface PairMetric<Value extends string> {
  kind: 'pair';
  /** Smallest number of images that each set must have. */
  minImages: number;
  /**
   * @param onStep called during long computations, to report progress
   * @returns the values that `src/spec/metric-descriptors.ts` lists for the metric
   * @throws RangeError when a set has fewer than `minImages` images
   */
  compare(synthetic: FeatureMatrix, real: FeatureMatrix, onStep: () => void): Promise<Record<Value, number>>;
  /** 95 % intervals for another choice of images of both sets; without those of too few images. */
  intervals(
    synthetic: FeatureMatrix,
    real: FeatureMatrix,
    onStep: () => void,
  ): Promise<Partial<Record<Value, Interval>>>;
  /** The line that the value is read off, if it is. */
  fit?(synthetic: FeatureMatrix, real: FeatureMatrix, onStep: () => void): Promise<LineFit>;
}

/** Measures the features of one set. */
export interface SetMetric<Value extends string> {
  kind: 'set';
  minImages: number;
  measure(set: FeatureMatrix, onStep: () => void): Promise<Measurement<Value>>;
}

/** Measures the pixels of a sample of one set; without values that need larger images. */
export interface PixelMetric<Value extends string> {
  kind: 'pixels';
  minImages: number;
  /** Number of images of the sample. */
  sample: number;
  measure(images: readonly ComparedImage[], onStep: () => void): Promise<Measurement<Value>>;
}

export type Metric<Value extends string> = PairMetric<Value> | SetMetric<Value> | PixelMetric<Value>;
