/** The computation of each metric that `src/spec/metrics.ts` describes. */
import { fullMetricName, type MetricName, type ValueName } from '../../spec/metrics.js';
import type { FeatureMatrix } from './feature-matrix.js';
import { frechetMetric } from './frechet-distance.js';
import { kernelMetric } from './kid.js';
import type { Metric } from './metric.js';
import { precisionRecallMetric } from './precision-recall.js';

/** The values of a computation have the names that the metric's descriptor lists. */
export const COMPUTATIONS: { [Name in MetricName]: Metric<ValueName<Name>> } = {
  fd_effnetlite0: frechetMetric,
  kid_effnetlite0: kernelMetric,
  pr_effnetlite0: precisionRecallMetric,
};

/** Whether every set has enough images for a metric. */
export function hasEnoughImages(name: MetricName, ...sets: readonly FeatureMatrix[]): boolean {
  return sets.every(({ rows }) => rows >= COMPUTATIONS[name].minImages);
}

/** Values by full name: the given parts, then the name of the value. */
export function withFullNames(
  values: Readonly<Record<string, number>>,
  ...parts: readonly string[]
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(values).map(([value, number]) => [fullMetricName(...parts, value), number]),
  );
}
