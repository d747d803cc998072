/**
 * A range of a stage's shards, as a child workflow, so that the history of a run stays short
 * however many there are.
 */
import { proxyActivities, setHandler } from '@temporalio/workflow';
import type { EvaluateActivities } from '../activities/evaluate.js';
import type { GenerateActivities } from '../activities/generate.js';
import type { PreprocessActivities } from '../activities/preprocess.js';
import { stopShardsSignal } from './messages.js';
import { STEADY_WORK } from './policies.js';
import { slidingWindow } from './sliding-window.js';

type ShardActivities = Pick<PreprocessActivities, 'lookShard' | 'buildShard'> &
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

/** What a workflow does around its shards. */
export interface ShardHooks {
  onShard?: () => void;
  shouldStop?: () => boolean;
  /** Wraps the work on a shard. */
  attend?: (work: () => Promise<void>) => Promise<void>;
}

/**
 * Processes shards `from`...`to - 1`, or fewer when the pipeline signals that it pauses.
 *
 * @returns the first shard that is not done
 */
export async function processShards(range: ShardRange): Promise<number> {
  let stops = false;
  setHandler(stopShardsSignal, () => {
    stops = true;
  });
  return runShards(range, { shouldStop: () => stops });
}

/** {@link processShards} as a part of another workflow. */
export function runShards(
  range: ShardRange,
  { onShard, shouldStop, attend = (work) => work() }: ShardHooks,
): Promise<number> {
  const activities = proxyActivities<ShardActivities>({ ...STEADY_WORK, taskQueue: range.taskQueue });
  const work = async (shard: number) => {
    await attend(() => startShard(activities, range.job, shard));
    onShard?.();
  };
  return slidingWindow(range, work, shouldStop);
}

function startShard(activities: ShardActivities, job: ShardJob, shard: number): Promise<void> {
  switch (job.activity) {
    case 'lookShard':
      return activities.lookShard({ ...job.input, shard });
    case 'buildShard':
      return activities.buildShard({ ...job.input, shard });
    case 'generateShard':
      return activities.generateShard({ ...job.input, shard });
    case 'extractShardFeatures':
      return activities.extractShardFeatures({ ...job.input, shard });
  }
}
