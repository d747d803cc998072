/** The Fréchet distance as a metric: its value, and the interval of its sampling error. */
import type { Interval } from '../../spec/analyses.js';
import type { FeatureMatrix } from './feature-matrix.js';
import { frechetDistance, type GaussianStatistics, statisticsOf } from './frechet-distance.js';
import { frechetInfluence } from './frechet-influence.js';
import { normalInterval, sampleVariance } from './intervals.js';
import type { PairMetric } from './metric.js';

/** With fewer images, what single ones contribute says nothing about others. */
const MIN_IMAGES = 10;

export const frechetMetric: PairMetric<''> = {
  kind: 'pair',
  minImages: 2,
  async compare(synthetic, real, onStep) {
    const [first, second] = [synthetic, real].map((features) => {
      onStep();
      return statisticsOf(features);
    }) as [GaussianStatistics, GaussianStatistics];
    onStep();
    return { '': frechetDistance(first, second) };
  },
  intervals: frechetIntervals,
};

/** It has the sampling error only: the bias of few images is not in it. */
export async function frechetIntervals(
  synthetic: FeatureMatrix,
  real: FeatureMatrix,
  onStep: () => void,
): Promise<{ ''?: Interval }> {
  if (Math.min(synthetic.rows, real.rows) < MIN_IMAGES) return {};
  const value = frechetDistance(statisticsOf(synthetic), statisticsOf(real));
  const { low, high } = normalInterval(value, await frechetError(synthetic, real, onStep));
  return { '': { low: Math.max(0, low), high } };
}

/** Standard error of the distance. */
export async function frechetError(
  synthetic: FeatureMatrix,
  real: FeatureMatrix,
  onStep: () => void,
): Promise<number> {
  const statistics = [statisticsOf(synthetic), statisticsOf(real)] as const;
  const influence = await frechetInfluence([synthetic, real], statistics, onStep);
  return Math.sqrt(influence.reduce((sum, values) => sum + sampleVariance(values) / values.length, 0));
}
