/** Computes the metrics of a synthetic set against the training images and the holdout images. */
import type { OnProgress } from '../core/progress.js';
import type { AnalysisResult, Interval } from '../spec/analyses.js';
import type { ComparedSets, SetName } from '../spec/compute-tasks.js';
import type { ClassMetrics } from '../spec/class-metrics.js';
import type { LineFit } from '../spec/line-fit.js';
import {
  COMPARED_SETS,
  type ExtractorName,
  extractorsOf,
  findMetricValue,
  type MetricName,
  METRICS,
} from '../spec/metrics.js';
import type { ObjectStore } from '../storage/index.js';
import { caveatsOf, zeroCaveats } from './caveats.js';
import { extractorIdentities } from './extractors/identity.js';
import { countImages, setFeatures } from './features.js';
import { measureGenerator } from './generator/measure.js';
import { type ImageSet, imageLabels, openImageSet, sampleImages, SET_NAMES } from './image-sets.js';
import { type Comparison, measurePairs } from './measure-pairs.js';
import type { MeasuredImages } from './metrics/measured-images.js';
import { once } from './once.js';
import { measureClasses } from './per-class.js';

export interface Evaluation {
  /**
   * Values by full name, `<metric>.<pair>` or `<metric>.<pair>.<value>`. `images.<set>` is the
   * number of images that the metrics are computed on.
   */
  metrics: Record<string, number>;
  /** What a reader must know beside the numbers. */
  caveats: string[];
  /** Version and weights of the extractors. */
  extractors: Partial<Record<ExtractorName, string>>;
  /** 95 % intervals of metrics by full name, where there are any. */
  intervals: Record<string, Interval>;
  /** The lines that values for infinitely many images are read off, by full name. */
  fits: Record<string, LineFit>;
  /** Metrics of the images of each class; empty without labels. */
  classes: ClassMetrics[];
  /** Strips of images (PNG) by the metric of the generator that they explain. */
  pictures: Record<string, Uint8Array>;
  analyses: AnalysisResult[];
}

/**
 * Computes all metrics. A set with fewer than two images is left out, with all metrics that need
 * it.
 */
export async function evaluateSets(
  store: ObjectStore,
  sets: ComparedSets,
  metrics: readonly MetricName[],
  onProgress: OnProgress,
): Promise<Evaluation> {
  const extractors = await extractorIdentities(extractorsOf(metrics));
  const opened = await openSets(store, sets, onProgress);
  const measured = Object.fromEntries(opened.map(({ name, set }) => [name, set]));
  const values: Record<string, number> = {};
  for (const [set, { images }] of Object.entries(measured)) values[`images.${set}`] = images;
  const comparisons = comparisonsOf(metrics, measured);
  const found = await measurePairs(comparisons, (done) =>
    onProgress({ done, total: comparisons.length, unit: 'metrics' }),
  );
  Object.assign(values, found.values);
  const labeled = opened.flatMap(({ classes, ...set }) => (classes ? [{ ...set, classes }] : []));
  const perClass = await measureClasses(metrics, labeled, comparisonsOf, (done, total) =>
    onProgress({ done, total, unit: 'metrics' }),
  );
  const own = await measureGenerator(store, sets.generator, metrics, onProgress);
  Object.assign(values, own.values);
  const caveats = [
    ...(await caveatsOf(metrics, measured)),
    ...zeroCaveats(values, floorOf),
    ...perClass.caveats,
    ...own.caveats,
  ];
  const { fits } = found;
  const intervals = { ...found.intervals, ...own.intervals };
  const { pictures } = own;
  const { classes } = perClass;
  return { metrics: values, caveats, extractors, intervals, fits, classes, pictures, analyses: [] };
}

/** Comparisons of each metric on each of its pairs whose sets exist. */
function comparisonsOf(
  metrics: readonly MetricName[],
  measured: Readonly<Record<string, MeasuredImages>>,
): Comparison[] {
  return metrics.flatMap((metric) =>
    METRICS[metric].pairs.flatMap((pair) => {
      const sets = COMPARED_SETS[pair].map((set) => measured[set]).filter((set) => set !== undefined);
      const [first, ...others] = sets;
      return first && sets.length === COMPARED_SETS[pair].length
        ? [{ metric, pair, sets: [first, ...others] as const }]
        : [];
    }),
  );
}

/** Full name of the value of real images that a value is read by. */
function floorOf(name: string): string | null {
  return findMetricValue(name)?.floor ?? null;
}

async function openSets(
  store: ObjectStore,
  { dataset, synthetic, maxImages }: ComparedSets,
  onProgress: OnProgress,
): Promise<OpenedSet[]> {
  const sets: OpenedSet[] = [];
  for (const name of SET_NAMES) {
    const opened = await openImageSet(store, {
      set: name,
      prefix: name === 'synthetic' ? synthetic : dataset,
    });
    if (countImages(opened) < 2) continue;
    const set = measuredSet(store, opened, maxImages, onProgress);
    const labels = await imageLabels(store, opened, set.images);
    const classes = labels?.map((label) => opened.classes?.[label] ?? String(label)) ?? null;
    sets.push({ name, set, classes });
  }
  return sets;
}

interface OpenedSet {
  name: SetName;
  set: MeasuredImages;
  /** The class of each image; null when unlabeled. */
  classes: string[] | null;
}

/** Reads features and samples once. */
function measuredSet(
  store: ObjectStore,
  set: ImageSet,
  maxImages: number,
  onProgress: OnProgress,
): MeasuredImages {
  const images = Math.min(maxImages, countImages(set));
  return {
    images,
    features: once((extractor) => setFeatures(store, set, { maxImages, extractor }, onProgress)),
    sample: once((count) => sampleImages(store, set, { among: images, count })),
  };
}
