/**
 * Authenticity (Alaa et al. 2022, "How Faithful is your Synthetic Data?", section 3.3): the share
 * of synthetic images that are no noisy copies of a real one.
 */
import type { FeatureMatrix } from './feature-matrix.js';
import { fractionInterval, jackknifeVariance, sampleVariance } from './intervals.js';
import type { PairMetric } from './metric.js';
import { nearestNeighbors, neighborsWithin, squaredRadii } from './neighbors.js';

export const authenticityMetric: PairMetric<''> = {
  kind: 'pair',
  minImages: 2,
  compare: async (synthetic, real, onBlock) => ({ '': await authenticity(real, synthetic, onBlock) }),
  async intervals(synthetic, real, onBlock) {
    if (real.rows < 3) return {};
    const value = await authenticity(real, synthetic, onBlock);
    const variance = await authenticityVariance(real, synthetic, onBlock);
    return { '': fractionInterval(value, variance, Math.min(synthetic.rows, real.rows)) };
  },
};

/**
 * A synthetic image is authentic if it is further from the nearest real image than that one is from
 * any other real image.
 *
 * @throws RangeError for fewer than two images in either set
 */
export async function authenticity(
  real: FeatureMatrix,
  fake: FeatureMatrix,
  onBlock?: () => void,
): Promise<number> {
  if (fake.rows < 2) throw new RangeError('authenticity needs two images in each set');
  const radii = await squaredRadii(real, 1, onBlock);
  const { indices, squared } = await nearestNeighbors(fake, real, 1, { onBlock });
  const authentic = squared.reduce(
    (sum, distance, i) => sum + (distance > (radii[indices[i] as number] as number) ? 1 : 0),
    0,
  );
  return authentic / fake.rows;
}

/**
 * Squared standard error: the jackknife of both sets. Without a real image, those that it was the
 * nearest one of have their next nearest.
 */
export async function authenticityVariance(
  real: FeatureMatrix,
  fake: FeatureMatrix,
  onBlock?: () => void,
): Promise<number> {
  const among = await neighborsWithin(real, 2, onBlock);
  const near = await nearestNeighbors(fake, real, 2, { onBlock });
  const isAuthentic = (image: number, rank: 0 | 1, without: number) => {
    const nearest = near.indices[2 * image + rank] as number;
    const other = among.indices[nearest * among.k] === without ? 1 : 0;
    return (near.squared[2 * image + rank] as number) > (among.squared[nearest * among.k + other] as number);
  };
  const own = new Float64Array(fake.rows);
  const change = new Float64Array(real.rows);
  for (let image = 0; image < fake.rows; image++) {
    const authentic = isAuthentic(image, 0, -1) ? 1 : 0;
    own[image] = authentic;
    const nearest = near.indices[2 * image] as number;
    const itsNearest = among.indices[nearest * among.k] as number;
    for (const [without, rank] of [
      [nearest, 1],
      [itsNearest, 0],
    ] as const)
      change[without] = (change[without] as number) + (isAuthentic(image, rank, without) ? 1 : 0) - authentic;
  }
  return sampleVariance(own) / fake.rows + jackknifeVariance(change.map((count) => count / fake.rows));
}
