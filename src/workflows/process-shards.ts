/**
 * A range of a stage's shards, as a child workflow, so that the history of a run stays short
 * however many there are.
 */
import { proxyActivities } from '@temporalio/workflow';
import type { EvaluateActivities } from '../activities/evaluate.js';
import type { GenerateActivities } from '../activities/generate.js';
import type { PreprocessActivities } from '../activities/preprocess.js';
import { STEADY_WORK } from './policies.js';
import { slidingWindow } from './sliding-window.js';

type ShardActivities = Pick<PreprocessActivities, 'buildShard'> &
  Pick<GenerateActivities, 'generateShard'> &
  Pick<EvaluateActivities, 'extractShardFeatures'>;

/** One kind of shard work with the input that all its shards share. */
export type ShardJob = {
  [Name in keyof ShardActivities]: {
    activity: Name;
    input: Omit<Parameters<ShardActivities[Name]>[0], 'shard'>;
  };
}[keyof ShardActivities];

export interface ShardRange {
  job: ShardJob;
  taskQueue: string;
  from: number;
  to: number;
  /** Shards in flight at once. */
  width: number;
}

/** Processes shards `from`...`to - 1` and calls `onShard` after each. */
export async function processShards(range: ShardRange, onShard: () => void = () => undefined): Promise<void> {
  const activities = proxyActivities<ShardActivities>({ ...STEADY_WORK, taskQueue: range.taskQueue });
  await slidingWindow(range, range.width, async (shard) => {
    await startShard(activities, range.job, shard);
    onShard();
  });
}

function startShard(activities: ShardActivities, job: ShardJob, shard: number): Promise<void> {
  switch (job.activity) {
    case 'buildShard':
      return activities.buildShard({ ...job.input, shard });
    case 'generateShard':
      return activities.generateShard({ ...job.input, shard });
    case 'extractShardFeatures':
      return activities.extractShardFeatures({ ...job.input, shard });
  }
}
