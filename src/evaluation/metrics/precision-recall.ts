/**
 * Improved precision and recall (Kynkäänniemi et al. 2019, section 2): the fraction of each set
 * inside the other set's manifold.
 */
import { ballsAround, fractionInside, hasSpare, insideVariance } from './balls.js';
import type { FeatureMatrix } from './feature-matrix.js';
import { fractionInterval } from './intervals.js';
import type { PairMetric } from './metric.js';

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
  async intervals(synthetic, real, onBlock) {
    const images = Math.min(synthetic.rows, real.rows);
    const [precision, recall] = [
      await ballsAround(real, synthetic, NEIGHBORS, onBlock),
      await ballsAround(synthetic, real, NEIGHBORS, onBlock),
    ];
    return {
      ...(hasSpare(precision) && {
        precision: fractionInterval(fractionInside(precision), insideVariance(precision), images),
      }),
      ...(hasSpare(recall) && {
        recall: fractionInterval(fractionInside(recall), insideVariance(recall), images),
      }),
    };
  },
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
  return {
    precision: fractionInside(await ballsAround(real, fake, k, onBlock)),
    recall: fractionInside(await ballsAround(fake, real, k, onBlock)),
  };
}
