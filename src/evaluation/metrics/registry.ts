/** The computation of each metric that `src/spec/metrics.ts` describes. */
import { type BaseMetric, fullMetricName, type GeneratorMetric, type ValueName } from '../../spec/metrics.js';
import { authenticityMetric } from './authenticity.js';
import { densityCoverageMetric } from './density-coverage.js';
import { diversityMetric } from './diversity.js';
import { frechetInfinityMetric } from './frechet-infinity.js';
import { frechetMetric } from './frechet-metric.js';
import { inceptionScoreMetric } from './inception-score.js';
import { kernelMetric } from './kid.js';
import type { Metric } from './metric.js';
import { precisionRecallMetric } from './precision-recall.js';
import { radiomicMetric } from './radiomic-distance.js';

/** The values of a computation have the names that the metric's descriptor lists. */
export const COMPUTATIONS = {
  fd: frechetMetric,
  fd_infinity: frechetInfinityMetric,
  kid: kernelMetric,
  pr: precisionRecallMetric,
  dc: densityCoverageMetric,
  authenticity: authenticityMetric,
  is: inceptionScoreMetric,
  frd: radiomicMetric,
  diversity: diversityMetric,
} satisfies { [Base in Exclude<BaseMetric, GeneratorMetric>]: Metric<ValueName<Base>> };

/** The computation of a metric of sets. */
export function computationOf(base: BaseMetric): Metric<string> | null {
  return Object.hasOwn(COMPUTATIONS, base) ? COMPUTATIONS[base as keyof typeof COMPUTATIONS] : null;
}

/** Values by full name: the given parts, then the name of the value. */
export function withFullNames<T>(
  values: Readonly<Record<string, T>>,
  ...parts: readonly string[]
): Record<string, T> {
  return Object.fromEntries(
    Object.entries(values).map(([value, own]) => [fullMetricName(...parts, value), own]),
  );
}
