/** The figures of a synthetic set against the real images that the generator was trained on and those it never saw. */
import type { OnProgress } from '../core/progress.js';
import type { ComparedSets, SetName } from '../spec/compute-tasks.js';
import type { EvaluateSpec } from '../spec/evaluate.js';
import type { ObjectStore } from '../storage/index.js';
import { DISTANCES, isDistance, Sample } from './compare.js';
import { listFeatureSets, setFeatures } from './features.js';
import { openImageSet } from './image-sets.js';
import { NEIGHBOURS, precisionRecall } from './metrics/precision-recall.js';

/**
 * Every figure by its full name. `<distance>.holdout` and `.train` compare the synthetic set with that set;
 * `.train_vs_holdout` compares the real ones with each other: what a perfect generator would reach. `images.<set>` are the
 * numbers of images that figures stand on. A set with fewer than two images is left out, and all figures that need it.
 */
export async function computeFigures(
  store: ObjectStore,
  sets: ComparedSets,
  metrics: EvaluateSpec['metrics'],
  onProgress: OnProgress,
): Promise<Record<string, number>> {
  const samples = await readSamples(store, sets, onProgress);
  const figures: Record<string, number> = {};
  for (const [set, { features }] of samples) figures[`images.${set}`] = features.rows;
  const steps = metrics.flatMap((metric) => stepsOf(metric, samples));
  for (const [done, step] of steps.entries()) {
    const report = () => onProgress({ done, total: steps.length, unit: 'figures' });
    report();
    Object.assign(figures, await step(report));
  }
  return figures;
}

type Samples = Map<SetName, Sample>;
type Step = (onStep: () => void) => Promise<Record<string, number>>;

async function readSamples(store: ObjectStore, sets: ComparedSets, onProgress: OnProgress): Promise<Samples> {
  const samples: Samples = new Map();
  for (const one of await listFeatureSets(store, sets)) {
    const features = await setFeatures(store, await openImageSet(store, one), sets.maxImages, onProgress);
    samples.set(one.set, new Sample(features));
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
    return holdout && synthetic && enoughNeighbours(holdout, synthetic)
      ? [(onStep) => manifoldShares(metric, holdout, synthetic, onStep)]
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

function enoughNeighbours(...samples: Sample[]): boolean {
  return samples.every(({ features }) => features.rows > NEIGHBOURS);
}

async function manifoldShares(
  metric: string,
  real: Sample,
  synthetic: Sample,
  onBlock: () => void,
): Promise<Record<string, number>> {
  const { precision, recall } = await precisionRecall(real.features, synthetic.features, { onBlock });
  return { [`${metric}.holdout.precision`]: precision, [`${metric}.holdout.recall`]: recall };
}
