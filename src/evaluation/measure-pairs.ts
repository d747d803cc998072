/** Computes metrics on pairs of sets, and keeps what belongs to each value by its full name. */
import type { Interval } from '../spec/analyses.js';
import type { LineFit } from '../spec/line-fit.js';
import { fullMetricName, type MetricName } from '../spec/metrics.js';
import { computeMetric } from './metrics/compute.js';
import type { MeasuredImages } from './metrics/measured-images.js';
import { withFullNames } from './metrics/registry.js';

/** A metric on sets; `pair` is a part of the full names of its values. */
export interface Comparison {
  metric: MetricName;
  pair: string;
  sets: readonly [MeasuredImages, ...MeasuredImages[]];
}

/** By full name. */
export interface MeasuredPairs {
  values: Record<string, number>;
  intervals: Record<string, Interval>;
  fits: Record<string, LineFit>;
}

/** @param onStep called with the number of computed comparisons */
export async function measurePairs(
  comparisons: readonly Comparison[],
  onStep: (done: number) => void,
): Promise<MeasuredPairs> {
  const found: MeasuredPairs = { values: {}, intervals: {}, fits: {} };
  for (const [done, { metric, pair, sets }] of comparisons.entries()) {
    onStep(done);
    const result = await computeMetric(metric, sets, () => onStep(done));
    if (!result) continue;
    Object.assign(found.values, withFullNames(result.values, metric, pair));
    Object.assign(found.intervals, withFullNames(result.intervals, metric, pair));
    if (result.fit) found.fits[fullMetricName(metric, pair)] = result.fit;
  }
  onStep(comparisons.length);
  return found;
}
