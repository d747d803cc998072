/** Computes the metrics of a synthetic set against the training images and the holdout images. */
import type { OnProgress } from '../core/progress.js';
import type { ComparedSets, SetName } from '../spec/compute-tasks.js';
import type { EvaluateSpec } from '../spec/evaluate.js';
import type { ObjectStore } from '../storage/index.js';
import { DISTANCES, isDistance, Sample } from './compare.js';
import { listFeatureSets, setFeatures } from './features.js';
import { openImageSet } from './image-sets.js';
import { NEIGHBORS, precisionRecall } from './metrics/precision-recall.js';

/**
 * Computes all metrics by full name. `<distance>.holdout` and `.train` compare the synthetic set
 * with that set. `.train_vs_holdout` compares the two real sets: the value of a perfect generator.
 * `images.<set>` is the number of images that the metrics are computed on. A set with fewer than
 * two images is left out, with all metrics that need it.
 */
export async function evaluateSets(
  store: ObjectStore,
  sets: ComparedSets,
  metrics: EvaluateSpec['metrics'],
  onProgress: OnProgress,
): Promise<Record<string, number>> {
  const samples = await readSamples(store, sets, onProgress);
  const values: Record<string, number> = {};
  for (const [set, { features }] of samples) values[`images.${set}`] = features.rows;
  const steps = metrics.flatMap((metric) => stepsOf(metric, samples));
  for (const [done, step] of steps.entries()) {
    const report = () => onProgress({ done, total: steps.length, unit: 'metrics' });
    report();
    Object.assign(values, await step(report));
  }
  return values;
}

type Samples = Map<SetName, Sample>;
type Step = (onStep: () => void) => Promise<Record<string, number>>;

async function readSamples(store: ObjectStore, sets: ComparedSets, onProgress: OnProgress): Promise<Samples> {
  const samples: Samples = new Map();
  for (const entry of await listFeatureSets(store, sets)) {
    const features = await setFeatures(store, await openImageSet(store, entry), sets.maxImages, onProgress);
    samples.set(entry.set, new Sample(features));
  }
  return samples;
}

function stepsOf(metric: EvaluateSpec['metrics'][number], samples: Samples): Step[] {
  const [train, holdout, synthetic] = [
    samples.get('train'),
    samples.get('holdout'),
    samples.get('synthetic'),
  ];
  if (metric === 'pr_effnetlite0') {
    return holdout && synthetic && hasEnoughNeighbors(holdout, synthetic)
      ? [(onStep) => precisionAndRecall(metric, holdout, synthetic, onStep)]
      : [];
  }
  if (!isDistance(metric)) return [];
  const step = (name: string, a: Sample | undefined, b: Sample | undefined): Step[] =>
    a && b ? [async (onStep) => ({ [`${metric}.${name}`]: await DISTANCES[metric](a, b, onStep) })] : [];
  return [
    ...step('holdout', synthetic, holdout),
    ...step('train', synthetic, train),
    ...step('train_vs_holdout', train, holdout),
  ];
}

function hasEnoughNeighbors(...samples: Sample[]): boolean {
  return samples.every(({ features }) => features.rows > NEIGHBORS);
}

async function precisionAndRecall(
  metric: string,
  real: Sample,
  synthetic: Sample,
  onBlock: () => void,
): Promise<Record<string, number>> {
  const { precision, recall } = await precisionRecall(real.features, synthetic.features, { onBlock });
  return { [`${metric}.holdout.precision`]: precision, [`${metric}.holdout.recall`]: recall };
}
