/** Computes a metric by name on sets whose features are extracted when they are needed. */
import { METRICS, type MetricName } from '../../spec/metrics.js';
import type { Interval } from '../../spec/analyses.js';
import type { LineFit } from '../../spec/line-fit.js';
import type { MeasuredImages } from './measured-images.js';
import type { Measurement } from './metric.js';
import { computationOf } from './registry.js';

/** Values of a metric by their names, and what is known of them. */
export interface Measured {
  values: Record<string, number>;
  intervals: Record<string, Interval>;
  fit?: LineFit;
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
): Promise<Measured | null> {
  const { base, extractor } = METRICS[name];
  const metric = computationOf(base);
  const [first, second] = sets;
  if (!metric) return null;
  if (sets.some(({ images }) => images < metric.minImages)) return null;
  if (metric.kind === 'pixels')
    return defined(await metric.measure(await first.sample(metric.sample), onStep));
  if (extractor === null) throw new RangeError(`${name} has no extractor`);
  if (metric.kind === 'set') return defined(await metric.measure(await first.features(extractor), onStep));
  if (!second) throw new RangeError(`${name} compares two sets`);
  const [a, b] = [await first.features(extractor), await second.features(extractor)];
  const values = await metric.compare(a, b, onStep);
  const fit = await metric.fit?.(a, b, onStep);
  return { ...defined({ values, intervals: await metric.intervals(a, b, onStep) }), ...(fit && { fit }) };
}

/** Whether a metric compares two sets. */
export function isComparison(name: MetricName): boolean {
  return computationOf(METRICS[name].base)?.kind === 'pair';
}

/** Smallest number of images of each set. */
export function minImagesOf(name: MetricName): number {
  return computationOf(METRICS[name].base)?.minImages ?? 0;
}

/** Without values and intervals that do not exist or are not finite numbers. */
function defined({ values, intervals }: Measurement<string>): Measured {
  const known = <T>(record: Partial<Record<string, T>>, isGood: (value: T) => boolean) =>
    Object.fromEntries(
      Object.entries(record).filter((entry): entry is [string, T] => {
        const [, value] = entry;
        return value !== undefined && isGood(value);
      }),
    );
  return {
    values: known(values, () => true),
    intervals: known(intervals, ({ low, high }) => Number.isFinite(low) && Number.isFinite(high)),
  };
}
