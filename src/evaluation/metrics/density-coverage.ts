/**
 * Density and coverage (Naeem et al. 2020, "Reliable Fidelity and Diversity Metrics for Generative
 * Models", equations 3 and 4). Unlike precision and recall, one outlier cannot change them much.
 */
import type { FeatureMatrix } from './feature-matrix.js';
import type { PairMetric } from './metric.js';
import { forEachInside, squaredRadii } from './neighbors.js';

const NEIGHBORS = 5;

export const densityCoverageMetric: PairMetric<'density' | 'coverage'> = {
  kind: 'pair',
  minImages: NEIGHBORS + 1,
  compare: (synthetic, real, onBlock) => densityCoverage(real, synthetic, { onBlock }),
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
  let pairs = 0;
  const covered = new Uint8Array(real.rows);
  await forEachInside(fake, real, await squaredRadii(real, k, onBlock), onBlock, (_, ball) => {
    pairs++;
    covered[ball] = 1;
  });
  const balls = covered.reduce((sum, flag) => sum + flag, 0);
  return { density: pairs / (k * fake.rows), coverage: balls / real.rows };
}
