/**
 * Improved precision and recall (Kynkäänniemi et al. 2019, section 2): the fraction of each set
 * inside the other set's manifold.
 */
import type { FeatureMatrix } from './feature-matrix.js';
import type { PairMetric } from './metric.js';
import { forEachInside, squaredRadii } from './neighbors.js';

export interface PrecisionRecall {
  /** Fraction of synthetic images inside the manifold of real images, 0...1. */
  precision: number;
  /** Fraction of real images inside the manifold of synthetic images, 0...1. */
  recall: number;
}

const NEIGHBORS = 3;

export const precisionRecallMetric: PairMetric<'precision' | 'recall'> = {
  kind: 'pair',
  minImages: NEIGHBORS + 1,
  compare: (synthetic, real, onBlock) => precisionRecall(real, synthetic, { onBlock }),
};

/**
 * The manifold of a set is the union of balls around its images. The radius of each ball is the
 * distance to the k-th nearest other image of the set.
 *
 * @throws RangeError unless each set has more than k images
 */
export async function precisionRecall(
  real: FeatureMatrix,
  fake: FeatureMatrix,
  { k = NEIGHBORS, onBlock }: { k?: number; onBlock?: () => void } = {},
): Promise<PrecisionRecall> {
  const precision = await fractionInside(fake, real, await squaredRadii(real, k, onBlock), onBlock);
  const recall = await fractionInside(real, fake, await squaredRadii(fake, k, onBlock), onBlock);
  return { precision, recall };
}

/** Fraction of the points that are inside at least one ball. */
async function fractionInside(
  points: FeatureMatrix,
  centers: FeatureMatrix,
  radii: Float64Array,
  onBlock?: () => void,
): Promise<number> {
  const inside = new Uint8Array(points.rows);
  await forEachInside(points, centers, radii, onBlock, (i) => {
    inside[i] = 1;
  });
  return inside.reduce((sum, flag) => sum + flag, 0) / inside.length;
}
