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
import { extractAllFeatures } from './features.js';
import { type Comparison, measurePairs } from './measure-pairs.js';
import { isComparison, minImagesOf } from './metrics/compute.js';
import type { FeatureMatrix } from './metrics/feature-matrix.js';
import { type MeasuredImages, subsetOf } from './metrics/measured-images.js';
import type { ComparedImage } from './metrics/ssim.js';
import { type LabeledSet, measureClasses } from './per-class.js';

const SEED = 0;
/** Images of each stream that are kept for metrics on pixels. */
const SAMPLE = 100;

/** An image and its class, if classes are compared. */
export interface ClassedImage extends SquareImage {
  class?: string;
}

export interface ComparisonSteps {
  /** Called with the number of processed images of the current stream. */
  onBatch?: (done: number) => void;
  /** Called during the computation of a metric. */
  onMetric?: (done: number, total: number) => void;
  /** Analyzes the features of the sets after the metrics. */
  analysis?: {
    extractor: ExtractorName;
    run: (real: FeatureMatrix, fake: FeatureMatrix) => Promise<AnalysisResult[]>;
  } | null;
}

/**
 * Values by `<metric>` or `<metric>.<value>`, of metrics of one set by `<metric>.fake` and
 * `<metric>.real`. `<metric>.real_halves` compares two random halves of the real images: the value
 * of a perfect generator at half of the number of images.
 *
 * @throws RangeError when the sets have too few images for every metric
 */
export async function compareImages(
  real: AsyncIterable<ClassedImage>,
  fake: AsyncIterable<ClassedImage>,
  metrics: readonly MetricName[],
  { onBatch, onMetric, analysis }: ComparisonSteps = {},
): Promise<Evaluation> {
  const extracted = [...new Set([...extractorsOf(metrics), ...(analysis ? [analysis.extractor] : [])])];
  const [ours, theirs] = [
    await measuredStream(real, 'real', extracted, onBatch),
    await measuredStream(fake, 'synthetic', extracted, onBatch),
  ];
  const [a, b] = [ours.set, theirs.set];
  if (!metrics.some((name) => Math.min(a.images, b.images) >= minImagesOf(name)))
    throw new RangeError('too few images for every metric');
  const halves = halvesOf(a);
  const comparisons = comparisonsOf(metrics, { real: a, synthetic: b }, halves);
  const found = await measurePairs(comparisons, (done) => onMetric?.(done, comparisons.length));
  const values = { 'images.real': a.images, 'images.fake': b.images, ...found.values };
  const labeled = [theirs, ours].filter(({ classes }) => classes.length > 0);
  const perClass = await measureClasses(metrics, labeled, comparisonsOf, (done, total) =>
    onMetric?.(done, total),
  );
  const caveats = await caveatsOf(metrics, { real: a, synthetic: b });
  caveats.push(...halvesCaveats(metrics, halves), ...zeroCaveats(values, halvesOfName), ...perClass.caveats);
  const extractors = await extractorIdentities(extracted);
  const { intervals, fits } = found;
  return {
    metrics: values,
    caveats,
    extractors,
    intervals,
    fits,
    classes: perClass.classes,
    pictures: {},
    analyses: analysis
      ? await analysis.run(await a.features(analysis.extractor), await b.features(analysis.extractor))
      : [],
  };
}

/** Each metric on the two sets, and on two halves of the real one if they are given. */
function comparisonsOf(
  metrics: readonly MetricName[],
  { real, synthetic }: Readonly<Record<string, MeasuredImages>>,
  halves: readonly [MeasuredImages, MeasuredImages] | null = null,
): Comparison[] {
  if (!real || !synthetic) return [];
  return metrics.flatMap((metric): Comparison[] =>
    isComparison(metric)
      ? [
          { metric, pair: '', sets: [synthetic, real] },
          ...(halves ? [{ metric, pair: 'real_halves', sets: halves }] : []),
        ]
      : [
          { metric, pair: 'fake', sets: [synthetic] },
          { metric, pair: 'real', sets: [real] },
        ],
  );
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

/** Reads a stream once: its features on the extractors of the metrics, and a random sample. */
async function measuredStream(
  images: AsyncIterable<ClassedImage>,
  name: string,
  extractors: readonly ExtractorName[],
  onBatch?: (done: number) => void,
): Promise<LabeledSet> {
  const sample: ComparedImage[] = [];
  const classes: string[] = [];
  let rows = 0;
  const counted = sampled(images, { sample, classes, onImage: () => rows++ });
  const features = await extractAllFeatures(counted, extractors, onBatch);
  const set: MeasuredImages = {
    images: rows,
    features: async (extractor) => {
      const own = features[extractor];
      if (!own) throw new RangeError(`there are no features of ${extractor}`);
      return own;
    },
    sample: async (count) => sample.slice(0, count),
  };
  return { name, set, classes: classes.length === rows ? classes : [] };
}

/** Passes images on and keeps a random sample (Vitter 1985, algorithm R). */
async function* sampled(
  images: AsyncIterable<ClassedImage>,
  { sample, classes, onImage }: { sample: ComparedImage[]; classes: string[]; onImage: () => void },
): AsyncGenerator<SquareImage> {
  const random = new RandomStream(SEED, 'sample of images');
  let seen = 0;
  for await (const image of images) {
    const at = seen < SAMPLE ? seen : random.integer(seen + 1);
    if (at < SAMPLE) sample[at] = { side: image.resolution, channels: image.channels, pixels: image.pixels };
    seen++;
    onImage();
    if (image.class !== undefined) classes.push(image.class);
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
  return [subsetOf(set, order.slice(0, middle)), subsetOf(set, order.slice(middle))];
}
