/** The functions behind the tasks of a compute process. */
import type { OnProgress } from '../core/progress.js';
import {
  evaluateSets,
  evaluateSnapshot,
  extractShardFeatures,
  listFeatureSets,
} from '../evaluation/index.js';
import { classifierAnalysis } from '../evaluation/gan-train-test/analysis.js';
import { trainClassifier } from '../evaluation/gan-train-test/train.js';
import { assembleSynthetic, generateShard } from '../generation/index.js';
import { renderRunReport } from '../report/run-report.js';
import { analysisMetrics } from '../spec/analyses.js';
import type { ComputeTasks, EvaluateInput, TaskName } from '../spec/compute-tasks.js';
import { selectedMetrics } from '../spec/evaluate.js';
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
  trainClassifier,
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
  const { runId, spec, dataset, synthetic, classifiers } = input;
  const prefix = `runs/${runId}/evaluate/${synthetic.digest}/`;
  const sets = { dataset: dataset.prefix, synthetic: synthetic.prefix, maxImages: spec.evaluate.maxImages };
  const selected = selectedMetrics(spec.evaluate);
  const evaluation = await evaluateSets(store, sets, selected, onProgress);
  const { extractors, intervals } = evaluation;
  const trained = classifiers ? [await classifierAnalysis(store, classifiers)] : [];
  const analyses = [...evaluation.analyses, ...trained];
  const untrained = classifiers?.impossible ? trained.map(({ statement }) => statement) : [];
  const caveats = [...evaluation.caveats, ...untrained];
  const metrics = { ...evaluation.metrics, ...analysisMetrics(analyses) };
  const report = await renderRunReport(store, input, { ...evaluation, metrics, analyses, caveats }, prefix);
  const details = { extractors, caveats, intervals, analyses };
  await putJson(store, `${prefix}metrics.json`, { ...metrics, ...details });
  return { stage: 'evaluate', prefix, metrics, caveats, extractors, report };
}
