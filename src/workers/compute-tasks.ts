/** The functions behind the tasks of a compute process. */
import type { OnProgress } from '../core/progress.js';
import {
  analyzeSets,
  evaluateSets,
  evaluateSnapshot,
  extractShardFeatures,
  listFeatureSets,
} from '../evaluation/index.js';
import { assembleSynthetic, generateShard } from '../generation/index.js';
import { renderRunReport } from '../report/run-report.js';
import { analysisMetrics } from '../spec/analyses.js';
import type { ComputeTasks, EvaluateInput, TaskName } from '../spec/compute-tasks.js';
import { selectedAnalyses, selectedMetrics } from '../spec/evaluate.js';
import type { EvaluateResult } from '../spec/results.js';
import { type ObjectStore, putJson } from '../storage/index.js';

type TaskFunctions = {
  [Name in TaskName]: (
    store: ObjectStore,
    input: ComputeTasks[Name]['input'],
    onProgress: OnProgress,
  ) => Promise<ComputeTasks[Name]['result']>;
};

export const tasks: TaskFunctions = {
  generateShard,
  assembleSynthetic,
  evaluateSnapshot,
  listFeatureSets,
  extractShardFeatures,
  computeMetrics,
};

/** A request comes from another process: its name is checked before it is called. */
export function isTask(name: string): name is TaskName {
  return Object.hasOwn(tasks, name);
}

/** The metrics, then the report on them; the result exists once its activity returns it. */
async function computeMetrics(
  store: ObjectStore,
  input: EvaluateInput,
  onProgress: OnProgress,
): Promise<EvaluateResult> {
  const { runId, spec, dataset, synthetic } = input;
  const prefix = `runs/${runId}/evaluate/${synthetic.digest}/`;
  const sets = { dataset: dataset.prefix, synthetic: synthetic.prefix, maxImages: spec.evaluate.maxImages };
  const selected = selectedMetrics(spec.evaluate);
  const wanted = {
    names: selectedAnalyses(spec.evaluate),
    rejectAbove: spec.evaluate.rejectAbove ?? null,
    extractor: spec.evaluate.extractor,
    keep: async (file: string, bytes: Uint8Array) => void (await store.put(`${prefix}${file}`, bytes)),
  };
  const evaluation = {
    ...(await evaluateSets(store, sets, selected, onProgress)),
    analyses: await analyzeSets(store, sets, wanted, onProgress),
  };
  const { caveats, extractors, intervals, analyses } = evaluation;
  const metrics = { ...evaluation.metrics, ...analysisMetrics(analyses) };
  const report = await renderRunReport(store, input, { ...evaluation, metrics }, prefix);
  const details = { extractors, caveats, intervals, analyses };
  await putJson(store, `${prefix}metrics.json`, { ...metrics, ...details });
  return { stage: 'evaluate', prefix, metrics, caveats, extractors, report };
}
