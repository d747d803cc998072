/** The computation of each metric that `src/spec/metrics.ts` describes. */
import { type BaseMetric, fullMetricName, type ValueName } from '../../spec/metrics.js';
import { authenticityMetric } from './authenticity.js';
import { densityCoverageMetric } from './density-coverage.js';
import { diversityMetric } from './diversity.js';
import { frechetMetric } from './frechet-distance.js';
import { inceptionScoreMetric } from './inception-score.js';
import { kernelMetric } from './kid.js';
import type { Metric } from './metric.js';
import { precisionRecallMetric } from './precision-recall.js';

/** The values of a computation have the names that the metric's descriptor lists. */
export const COMPUTATIONS = {
  fd: frechetMetric,
  kid: kernelMetric,
  pr: precisionRecallMetric,
  dc: densityCoverageMetric,
  authenticity: authenticityMetric,
  is: inceptionScoreMetric,
  diversity: diversityMetric,
} satisfies { [Base in BaseMetric]: Metric<ValueName<Base>> };

/** Values by full name: the given parts, then the name of the value. */
export function withFullNames(
  values: Readonly<Record<string, number>>,
  ...parts: readonly string[]
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(values).map(([value, number]) => [fullMetricName(...parts, value), number]),
  );
}
