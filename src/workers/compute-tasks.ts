/** The functions behind the tasks of a compute process. */
import type { OnProgress } from '../core/progress.js';
import { evaluateSnapshot, extractShardFeatures, listFeatureSets } from '../evaluation/index.js';
import { trainClassifier } from '../evaluation/gan-train-test/train.js';
import { assembleSynthetic, generateShard } from '../generation/index.js';
import type { ComputeTasks, TaskName } from '../spec/compute-tasks.js';
import type { ObjectStore } from '../storage/index.js';
import { computeMetrics } from './compute-metrics.js';

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
