/** Computes the metrics of a synthetic set against the training images and the holdout images. */
import type { OnProgress } from '../core/progress.js';
import type { AnalysisResult, Interval } from '../spec/analyses.js';
import type { ComparedSets, SetName } from '../spec/compute-tasks.js';
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
import { type ImageSet, openImageSet, sampleImages, SET_NAMES } from './image-sets.js';
import { computeMetric, type MeasuredImages } from './metrics/compute.js';
import { withFullNames } from './metrics/registry.js';
import { once } from './once.js';

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
  const measured = await openSets(store, sets, onProgress);
  const values: Record<string, number> = {};
  for (const [set, { images }] of Object.entries(measured)) values[`images.${set}`] = images;
  const comparisons = metrics.flatMap((metric) => METRICS[metric].pairs.map((pair) => ({ metric, pair })));
  for (const [done, { metric, pair }] of comparisons.entries()) {
    const report = () => onProgress({ done, total: comparisons.length, unit: 'metrics' });
    report();
    const compared = COMPARED_SETS[pair].map((set) => measured[set]).filter((set) => set !== undefined);
    const [first, ...others] = compared;
    if (!first || compared.length < COMPARED_SETS[pair].length) continue;
    const result = await computeMetric(metric, [first, ...others], report);
    if (result) Object.assign(values, withFullNames(result, metric, pair));
  }
  const caveats = [...(await caveatsOf(metrics, measured)), ...zeroCaveats(values, floorOf)];
  return { metrics: values, caveats, extractors, intervals: {}, analyses: [] };
}

/** Full name of the value of real images that a value is read by. */
function floorOf(name: string): string | null {
  return findMetricValue(name)?.floor ?? null;
}

async function openSets(
  store: ObjectStore,
  { dataset, synthetic, maxImages }: ComparedSets,
  onProgress: OnProgress,
): Promise<Partial<Record<SetName, MeasuredImages>>> {
  const sets: Partial<Record<SetName, MeasuredImages>> = {};
  for (const set of SET_NAMES) {
    const opened = await openImageSet(store, { set, prefix: set === 'synthetic' ? synthetic : dataset });
    if (countImages(opened) >= 2) sets[set] = measuredSet(store, opened, maxImages, onProgress);
  }
  return sets;
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
