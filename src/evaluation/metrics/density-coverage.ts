/**
 * Density and coverage (Naeem et al. 2020, "Reliable Fidelity and Diversity Metrics for Generative
 * Models", equations 3 and 4). Unlike precision and recall, one outlier cannot change them much.
 */
import {
  ballsAround,
  coveredVariance,
  density,
  densityVariance,
  fractionCovered,
  hasSpare,
} from './balls.js';
import type { FeatureMatrix } from './feature-matrix.js';
import { fractionInterval, normalInterval } from './intervals.js';
import type { PairMetric } from './metric.js';

const NEIGHBORS = 5;

export const densityCoverageMetric: PairMetric<'density' | 'coverage'> = {
  kind: 'pair',
  minImages: NEIGHBORS + 1,
  compare: (synthetic, real, onBlock) => densityCoverage(real, synthetic, { onBlock }),
  async intervals(synthetic, real, onBlock) {
    const balls = await ballsAround(real, synthetic, NEIGHBORS, onBlock);
    if (!hasSpare(balls)) return {};
    const images = Math.min(synthetic.rows, real.rows);
    const { low, high } = normalInterval(density(balls), Math.sqrt(densityVariance(balls)));
    return {
      density: { low: Math.max(0, low), high },
      coverage: fractionInterval(fractionCovered(balls), coveredVariance(balls), images),
    };
  },
};

/**
 * Density: the mean number of balls of real images that a synthetic image is in, divided by k.
 * Coverage: the fraction of balls that contain a synthetic image. Each ball reaches to the k-th
 * nearest other real image.
 *
 * @throws RangeError unless the real set has more than k images
 */
export async function densityCoverage(
  real: FeatureMatrix,
  fake: FeatureMatrix,
  { k = NEIGHBORS, onBlock }: { k?: number; onBlock?: () => void } = {},
): Promise<{ density: number; coverage: number }> {
  if (fake.rows <= k) throw new RangeError(`density and coverage need more than ${k} images in each set`);
  const balls = await ballsAround(real, fake, k, onBlock);
  return { density: density(balls), coverage: fractionCovered(balls) };
}
