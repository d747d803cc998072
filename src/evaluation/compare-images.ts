/** Computes metrics of one stream of images against another. */
import { RandomStream } from '../core/random.js';
import type { AnalysisResult } from '../spec/analyses.js';
import {
  type ExtractorName,
  extractorsOf,
  fullMetricName,
  METRIC_NAMES,
  type MetricName,
} from '../spec/metrics.js';
import { caveatsOf, zeroCaveats } from './caveats.js';
import type { Evaluation } from './evaluate.js';
import type { SquareImage } from './extractors/input.js';
import { extractorIdentities } from './extractors/identity.js';
import { extractFeatures } from './features.js';
import { computeMetric, isComparison, type MeasuredImages, minImagesOf } from './metrics/compute.js';
import { rowsAt } from './metrics/feature-matrix.js';
import { withFullNames } from './metrics/registry.js';
import type { ComparedImage } from './metrics/ssim.js';
import { once } from './once.js';

const SEED = 0;
/** Images of each stream that are kept for metrics on pixels. */
const SAMPLE = 100;

export interface ComparisonSteps {
  /** Called with the number of processed images of the current stream. */
  onBatch?: (done: number) => void;
  /** Called during the computation of a metric. */
  onMetric?: (done: number, total: number) => void;
  /** Analyzes the sets after the metrics. */
  analyze?: (real: MeasuredImages, fake: MeasuredImages) => Promise<AnalysisResult[]>;
}

/**
 * Values by `<metric>` or `<metric>.<value>`, of metrics of one set by `<metric>.fake` and
 * `<metric>.real`. `<metric>.real_halves` compares two random halves of the real images: the value
 * of a perfect generator at half of the number of images.
 *
 * @throws RangeError when the sets have too few images for every metric
 */
export async function compareImages(
  real: AsyncIterable<SquareImage>,
  fake: AsyncIterable<SquareImage>,
  metrics: readonly MetricName[],
  { onBatch, onMetric, analyze }: ComparisonSteps = {},
): Promise<Evaluation> {
  const [a, b] = [await measuredStream(real, metrics, onBatch), await measuredStream(fake, metrics, onBatch)];
  const values: Record<string, number> = { 'images.real': a.images, 'images.fake': b.images };
  if (!metrics.some((name) => Math.min(a.images, b.images) >= minImagesOf(name)))
    throw new RangeError('too few images for every metric');
  const halves = halvesOf(a);
  const comparisons = metrics.flatMap(
    (metric): [MetricName, string, [MeasuredImages, ...MeasuredImages[]]][] =>
      isComparison(metric)
        ? [
            [metric, '', [b, a]],
            [metric, 'real_halves', halves],
          ]
        : [
            [metric, 'fake', [b]],
            [metric, 'real', [a]],
          ],
  );
  for (const [done, [metric, pair, sets]] of comparisons.entries()) {
    const result = await computeMetric(metric, sets, () => onMetric?.(done, comparisons.length));
    if (result) Object.assign(values, withFullNames(result, metric, pair));
  }
  onMetric?.(comparisons.length, comparisons.length);
  const caveats = await caveatsOf(metrics, { real: a, synthetic: b });
  caveats.push(...halvesCaveats(metrics, halves), ...zeroCaveats(values, halvesOfName));
  const extractors = await extractorIdentities(extractorsOf(metrics));
  const analyses = (await analyze?.(a, b)) ?? [];
  return { metrics: values, caveats, extractors, intervals: {}, analyses };
}

/** Full name of the value of two halves; null for such a value, and for those of one set. */
function halvesOfName(name: string): string | null {
  const [metric = '', ...value] = name.split('.');
  const isOther = value[0] === 'real_halves' || !METRIC_NAMES.some((known) => known === metric);
  return isOther || !isComparison(metric as MetricName)
    ? null
    : fullMetricName(metric, 'real_halves', ...value);
}

function halvesCaveats(
  metrics: readonly MetricName[],
  halves: readonly [MeasuredImages, MeasuredImages],
): string[] {
  const images = Math.min(...halves.map((half) => half.images));
  const without = metrics.filter((name) => isComparison(name) && images < minImagesOf(name));
  if (without.length === 0) return [];
  return [
    `${without.join(', ')}: no value of real_halves, which have only ${images} images; nothing says how good a value is.`,
  ];
}

/** Reads a stream once: its features on the extractor of the metrics, and a random sample. */
async function measuredStream(
  images: AsyncIterable<SquareImage>,
  metrics: readonly MetricName[],
  onBatch?: (done: number) => void,
): Promise<MeasuredImages> {
  const [extractor = 'effnetlite0', ...others] = extractorsOf(metrics);
  if (others.length > 0) throw new RangeError('metrics of one extractor only');
  const sample: ComparedImage[] = [];
  const features = await extractFeatures(sampled(images, sample), onBatch, extractor);
  return {
    images: features.rows,
    features: async () => features,
    sample: async (count) => sample.slice(0, count),
  };
}

/** Passes images on and keeps a random sample (Vitter 1985, algorithm R). */
async function* sampled(
  images: AsyncIterable<SquareImage>,
  sample: ComparedImage[],
): AsyncGenerator<SquareImage> {
  const random = new RandomStream(SEED, 'sample of images');
  let seen = 0;
  for await (const image of images) {
    const at = seen < SAMPLE ? seen : random.integer(seen + 1);
    if (at < SAMPLE) sample[at] = { side: image.resolution, channels: image.channels, pixels: image.pixels };
    seen++;
    yield image;
  }
}

/** Two random halves of a set. */
function halvesOf(set: MeasuredImages): [MeasuredImages, MeasuredImages] {
  const random = new RandomStream(SEED, 'halves');
  const order = Array.from({ length: set.images }, (_, i) => ({ i, at: random.uniform() }))
    .sort((x, y) => x.at - y.at)
    .map(({ i }) => i);
  const middle = Math.floor(set.images / 2);
  return [half(order.slice(0, middle)), half(order.slice(middle))];

  function half(indices: number[]): MeasuredImages {
    const rows = Int32Array.from(indices);
    const features = once(async (extractor: ExtractorName) => rowsAt(await set.features(extractor), rows));
    return { ...set, images: indices.length, features };
  }
}
