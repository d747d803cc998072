/** The Fréchet distance as a metric: its value, and the interval of its sampling error. */
import type { Interval } from '../../spec/analyses.js';
import { PairCache } from '../once.js';
import type { FeatureMatrix } from './feature-matrix.js';
import { frechetDistance, statisticsOf } from './frechet-distance.js';
import { frechetInfluence } from './frechet-influence.js';
import { normalInterval, sampleVariance } from './intervals.js';
import type { PairMetric } from './metric.js';

/** With fewer images, what single ones contribute says nothing about others. */
const MIN_IMAGES = 10;

/** A value and its interval share the distance; the error is that of `fd_infinity` too. */
const distances = new PairCache<FeatureMatrix, number>();
const errors = new PairCache<FeatureMatrix, number>();

export const frechetMetric: PairMetric<''> = {
  kind: 'pair',
  minImages: 2,
  async compare(synthetic, real, onStep) {
    return { '': await distanceOf(synthetic, real, onStep) };
  },
  intervals: frechetIntervals,
};

function distanceOf(synthetic: FeatureMatrix, real: FeatureMatrix, onStep: () => void): Promise<number> {
  return distances.get(synthetic, real, async () => {
    onStep();
    const first = await statisticsOf(synthetic);
    onStep();
    const second = await statisticsOf(real);
    onStep();
    return frechetDistance(first, second);
  });
}

/** It has the sampling error only: the bias of few images is not in it. */
export async function frechetIntervals(
  synthetic: FeatureMatrix,
  real: FeatureMatrix,
  onStep: () => void,
): Promise<{ ''?: Interval }> {
  if (Math.min(synthetic.rows, real.rows) < MIN_IMAGES) return {};
  const value = await distanceOf(synthetic, real, onStep);
  const { low, high } = normalInterval(value, await frechetError(synthetic, real, onStep));
  return { '': { low: Math.max(0, low), high } };
}

/** Standard error of the distance. */
export function frechetError(
  synthetic: FeatureMatrix,
  real: FeatureMatrix,
  onStep: () => void,
): Promise<number> {
  return errors.get(synthetic, real, async () => {
    const statistics = [await statisticsOf(synthetic), await statisticsOf(real)] as const;
    const influence = await frechetInfluence([synthetic, real], statistics, onStep);
    return Math.sqrt(influence.reduce((sum, values) => sum + sampleVariance(values) / values.length, 0));
  });
}
