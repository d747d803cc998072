/**
 * Authenticity (Alaa et al. 2022, "How Faithful is your Synthetic Data?", section 3.3): the share
 * of synthetic images that are no noisy copies of a real one.
 */
import type { FeatureMatrix } from './feature-matrix.js';
import type { PairMetric } from './metric.js';
import { nearestNeighbors, squaredRadii } from './neighbors.js';

export const authenticityMetric: PairMetric<''> = {
  kind: 'pair',
  minImages: 2,
  compare: async (synthetic, real, onBlock) => ({ '': await authenticity(real, synthetic, onBlock) }),
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
