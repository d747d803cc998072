/** The computation of each metric that `src/spec/metrics.ts` describes. */
import type { MetricName, ValueName } from '../../spec/metrics.js';
import type { FeatureMatrix } from './feature-matrix.js';
import { frechetMetric } from './frechet-distance.js';
import { kernelMetric } from './kid.js';
import type { Metric } from './metric.js';
import { precisionRecallMetric } from './precision-recall.js';

const COMPUTATIONS: { [Name in MetricName]: Metric<ValueName<Name>> } = {
  fd_effnetlite0: frechetMetric,
  kid_effnetlite0: kernelMetric,
  pr_effnetlite0: precisionRecallMetric,
};

/** The computation of a metric. Its values have the names that the descriptor lists. */
export function metricOf<Name extends MetricName>(name: Name): Metric<ValueName<Name>> {
  return COMPUTATIONS[name] as Metric<ValueName<Name>>;
}

/** Whether every set has enough images for a metric. */
export function hasEnoughImages(name: MetricName, ...sets: readonly FeatureMatrix[]): boolean {
  return sets.every(({ rows }) => rows >= COMPUTATIONS[name].minImages);
}
