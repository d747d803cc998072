/** Explains each value of a report, by the descriptors of the metrics. */
import type { MetricDescriptor, ValueExplanation } from '../spec/metric-descriptor.js';
import { fullMetricName, METRICS } from '../spec/metrics.js';

const IMAGES: ValueExplanation = {
  title: 'Number of images',
  text: 'Number of images of the set that the metrics are computed on.',
  digits: 0,
};

/** Explanations by full name, in the order of the table. */
const EXPLANATIONS = new Map(
  Object.entries<MetricDescriptor>(METRICS).flatMap(([metric, { explanations }]) =>
    Object.entries(explanations).map(([value, text]) => [fullMetricName(metric, value), text] as const),
  ),
);
const ORDER = [...EXPLANATIONS.keys()];

export function explainMetric(name: string): ValueExplanation | undefined {
  return name.startsWith('images.') ? IMAGES : EXPLANATIONS.get(name);
}

/**
 * Position of a value in the table: numbers of images follow the metrics, unknown values come last.
 */
export function rankOfMetric(name: string): number {
  const index = ORDER.indexOf(name);
  if (index >= 0) return index;
  return explainMetric(name) ? ORDER.length : ORDER.length + 1;
}
