/** What compute processes can do, by name. */
import type { EvaluateInput, FeatureSet } from '../activities/evaluate.js';
import type { JudgeInput } from '../activities/train.js';
import type { OnProgress } from '../core/progress.js';
import {
  type ComparedSets,
  computeFigures,
  extractShard,
  judgeSnapshot,
  listFeatureSets,
} from '../evaluation/index.js';
import { assembleSynthetic, generateShard } from '../generation/index.js';
import { renderRunReport } from '../report/run-report.js';
import type { EvaluateSpec } from '../spec/evaluate.js';
import type { EvaluateResult } from '../spec/results.js';
import { type ObjectStore, putJson } from '../storage/index.js';

/** Each takes plain JSON and gives plain JSON. */
export const tasks = {
  generateShard,
  assembleSynthetic,
  judgeSnapshot: (store: ObjectStore, input: JudgeInput, onProgress: OnProgress) =>
    judgeSnapshot(store, input, onProgress),
  listFeatureSets: (store: ObjectStore, input: EvaluateInput): Promise<FeatureSet[]> =>
    listFeatureSets(store, comparedSets(input), input.spec.evaluate.maxImages),
  extractShardFeatures: (
    store: ObjectStore,
    input: { sets: FeatureSet[]; evaluate: EvaluateSpec; shard: number },
    onProgress: OnProgress,
  ): Promise<void> => extractShard(store, input.sets, input.shard, onProgress),
  computeMetrics,
};

export function isTask(name: string): name is keyof typeof tasks {
  return Object.hasOwn(tasks, name);
}

/** The figures, then the report on them; the result exists once its activity returns it. */
async function computeMetrics(
  store: ObjectStore,
  input: EvaluateInput,
  onProgress: OnProgress,
): Promise<EvaluateResult> {
  const prefix = `runs/${input.runId}/evaluate/${input.synthetic.digest}/`;
  const metrics = await computeFigures(store, comparedSets(input), input.spec.evaluate, onProgress);
  const report = await renderRunReport(store, input, metrics, prefix);
  await putJson(store, `${prefix}metrics.json`, metrics);
  return { stage: 'evaluate', prefix, metrics, report };
}

function comparedSets({ dataset, synthetic }: EvaluateInput): ComparedSets {
  return { dataset: dataset.prefix, synthetic: synthetic.prefix };
}
