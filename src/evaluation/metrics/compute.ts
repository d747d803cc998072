/** Computes a metric by name on sets whose features are extracted when they are needed. */
import { type ExtractorName, METRICS, type MetricName } from '../../spec/metrics.js';
import type { FeatureMatrix } from './feature-matrix.js';
import type { Metric } from './metric.js';
import { COMPUTATIONS } from './registry.js';
import type { ComparedImage } from './ssim.js';

/** One of the compared sets. */
export interface MeasuredImages {
  images: number;
  features(extractor: ExtractorName): Promise<FeatureMatrix>;
  /** Images spread over the set; at most `count`. */
  sample(count: number): Promise<readonly ComparedImage[]>;
}

/**
 * The values of a metric.
 *
 * @param sets the evaluated set, and the one it is compared with unless the metric measures one set
 * @returns null when a set has too few images
 */
export async function computeMetric(
  name: MetricName,
  sets: readonly [MeasuredImages, ...MeasuredImages[]],
  onStep: () => void = () => undefined,
): Promise<Record<string, number> | null> {
  const { base, extractor } = METRICS[name];
  const metric: Metric<string> = COMPUTATIONS[base];
  const [first, second] = sets;
  if (sets.some(({ images }) => images < metric.minImages)) return null;
  if (metric.kind === 'pixels')
    return defined(await metric.measure(await first.sample(metric.sample), onStep));
  if (extractor === null) throw new RangeError(`${name} has no extractor`);
  if (metric.kind === 'set') return metric.measure(await first.features(extractor), onStep);
  if (!second) throw new RangeError(`${name} compares two sets`);
  return metric.compare(await first.features(extractor), await second.features(extractor), onStep);
}

/** Whether a metric compares two sets. */
export function isComparison(name: MetricName): boolean {
  const metric: Metric<string> = COMPUTATIONS[METRICS[name].base];
  return metric.kind === 'pair';
}

/** Smallest number of images of each set. */
export function minImagesOf(name: MetricName): number {
  return COMPUTATIONS[METRICS[name].base].minImages;
}

function defined(values: Partial<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
