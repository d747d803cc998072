/** Computes the metrics of a synthetic set against the training images and the holdout images. */
import type { OnProgress } from '../core/progress.js';
import type { ComparedSets, SetName } from '../spec/compute-tasks.js';
import type { EvaluateSpec } from '../spec/evaluate.js';
import { type ComparedPair, type MetricName, METRICS } from '../spec/metrics.js';
import type { ObjectStore } from '../storage/index.js';
import { listFeatureSets, setFeatures } from './features.js';
import { openImageSet } from './image-sets.js';
import type { FeatureMatrix } from './metrics/feature-matrix.js';
import { COMPUTATIONS, hasEnoughImages, withFullNames } from './metrics/registry.js';

/** The sets of each pair: the evaluated set first, then the one that it is compared with. */
const PAIRS: Record<ComparedPair, [SetName, SetName]> = {
  holdout: ['synthetic', 'holdout'],
  train: ['synthetic', 'train'],
  train_vs_holdout: ['train', 'holdout'],
};

/**
 * Computes all metrics by full name, `<metric>.<pair>` or `<metric>.<pair>.<value>`.
 * `images.<set>` is the number of images that the metrics are computed on. A set with fewer than
 * two images is left out, with all metrics that need it.
 */
export async function evaluateSets(
  store: ObjectStore,
  sets: ComparedSets,
  metrics: EvaluateSpec['metrics'],
  onProgress: OnProgress,
): Promise<Record<string, number>> {
  const features = await readFeatures(store, sets, onProgress);
  const values: Record<string, number> = {};
  for (const [set, { rows }] of features) values[`images.${set}`] = rows;
  const comparisons = metrics.flatMap((metric) => comparisonsOf(metric, features));
  for (const [done, compare] of comparisons.entries()) {
    const report = () => onProgress({ done, total: comparisons.length, unit: 'metrics' });
    report();
    Object.assign(values, await compare(report));
  }
  return values;
}

type FeaturesBySet = Map<SetName, FeatureMatrix>;
type Comparison = (onStep: () => void) => Promise<Record<string, number>>;

async function readFeatures(
  store: ObjectStore,
  sets: ComparedSets,
  onProgress: OnProgress,
): Promise<FeaturesBySet> {
  const features: FeaturesBySet = new Map();
  for (const entry of await listFeatureSets(store, sets)) {
    const set = await openImageSet(store, entry);
    features.set(entry.set, await setFeatures(store, set, sets.maxImages, onProgress));
  }
  return features;
}

/** One comparison for each pair of sets that exist and are large enough. */
function comparisonsOf(metric: MetricName, features: FeaturesBySet): Comparison[] {
  return METRICS[metric].pairs.flatMap((pair): Comparison[] => {
    const [a, b] = PAIRS[pair].map((set) => features.get(set));
    if (!a || !b || !hasEnoughImages(metric, a, b)) return [];
    return [async (onStep) => withFullNames(await COMPUTATIONS[metric].compare(a, b, onStep), metric, pair)];
  });
}
