/** Activities that only record calls, for tests of the workflows themselves. */
import assert from 'node:assert/strict';
import { Context } from '@temporalio/activity';
import type { ApplicationFailure } from '@temporalio/common';
import type { RunActivities } from '../../src/activities/run.js';
import type { TrainInput, TrainActivityResult } from '../../src/activities/train.js';
import type { SnapshotInput } from '../../src/spec/compute-tasks.js';
import type { CheckpointRef } from '../../src/spec/results.js';

/** The state of a simulated run, as the object store would hold it. */
export class RunRecord {
  kimg = 0;
  trainActivities = 0;
  shards: number[] = [];
  /** Shards of its data set, where they differ from those of other runs. */
  plannedShards: number | null = null;
  /** Stages that were recorded as matching the spec. */
  matchesSpec: string[] = [];
  /** Ends where the trainer does: at the whole image nearest to the target. */
  countsWholeImages = false;
  /** What planning and evaluation wait for. */
  holdPlan: Promise<void> | null = null;
  holdEvaluations: Promise<void> | null = null;
  failTraining: ApplicationFailure | null = null;
  fd: (kimg: number) => number = (kimg) => 100 - kimg;

  snapshot(kimg: number): CheckpointRef {
    return { prefix: `checkpoint-${kimg}/`, kimg, step: kimg * 10 };
  }
}

const dataset = {
  prefix: 'datasets/d/',
  digest: 'd',
  resolution: 32,
  channels: 1 as const,
  classes: null,
  images: { train: 8, holdout: 2 },
  rejected: 0,
};

/**
 * The activities, all on one task queue, of runs whose data sets have so many shards; and the
 * record of each run.
 */
export function simulatedWork(taskQueue: string, shards: number) {
  const records = new Map<string, RunRecord>();
  const recordOf = (runId: string): RunRecord => {
    const record = records.get(runId) ?? new RunRecord();
    records.set(runId, record);
    return record;
  };

  const activities = {
    resolveRun: async () => ({
      taskQueues: { cpu: taskQueue, gpu: taskQueue },
      dataset: null,
      train: null,
      synthetic: null,
    }),
    findStage: async () => null,
    async recordStage({
      runId,
      stage,
      matchesSpec,
    }: Parameters<RunActivities['recordStage']>[0]): Promise<void> {
      if (matchesSpec) recordOf(runId).matchesSpec.push(stage);
    },
    newestCheckpoint: async ({ runId }: { runId: string }) => recordOf(runId).snapshot(recordOf(runId).kimg),
    async planDataset({ runId }: { runId: string }) {
      const record = recordOf(runId);
      await record.holdPlan;
      return { digest: 'd', shards: record.plannedShards ?? shards, dataset: null };
    },
    buildShard: async ({ shard }: { shard: number }) => void recordOf('shards').shards.push(shard),
    assembleDataset: async () => dataset,
    async train({ runId, targetKimg, announced }: TrainInput): Promise<TrainActivityResult> {
      const record = recordOf(runId);
      const context = Context.current();
      record.trainActivities++;
      if (record.failTraining) throw record.failTraining;
      const snapshots: CheckpointRef[] = [];
      const target = record.countsWholeImages ? Math.round(targetKimg * 1000) / 1000 : targetKimg;
      while (record.kimg < target && !context.cancellationSignal.aborted) {
        await new Promise((resolve) => setTimeout(resolve, 40));
        record.kimg++;
        context.heartbeat(record.kimg);
        const snapshot = record.snapshot(record.kimg);
        snapshots.push(snapshot);
        if (snapshot.step > announced) {
          const { workflowId } = context.info.workflowExecution ?? assert.fail();
          await context.client.workflow.getHandle(workflowId).signal('snapshots', [snapshot]);
        }
      }
      return { last: record.snapshot(record.kimg), snapshots };
    },
    async evaluateSnapshot({ runId, snapshot }: SnapshotInput) {
      await recordOf(runId).holdEvaluations;
      return [{ kimg: snapshot.kimg, metric: 'fd_effnetlite0', value: recordOf(runId).fd(snapshot.kimg) }];
    },
  };
  return { recordOf: recordOf, activities };
}
