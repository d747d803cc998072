/** Activities that keep books instead of working, for tests of what the workflows themselves do. */
import assert from 'node:assert/strict';
import { Context } from '@temporalio/activity';
import type { ApplicationFailure } from '@temporalio/common';
import type { RunActivities } from '../../src/activities/run.js';
import type { TrainInput, TrainOutcome } from '../../src/activities/train.js';
import type { SnapshotInput } from '../../src/spec/compute-tasks.js';
import type { CheckpointRef } from '../../src/spec/results.js';

/** The state of a pretended training, kept as the object store would keep it. */
export class Books {
  kimg = 0;
  legs = 0;
  shards: number[] = [];
  /** How many its data set has, where that is not what those of other runs have. */
  plannedShards: number | null = null;
  /** Stages that were recorded as what the spec asked for. */
  asAsked: string[] = [];
  /** Ends where the trainer does: at the whole image nearest to the target. */
  countsWholeImages = false;
  /** What planning and judging wait for. */
  holdPlan: Promise<void> | null = null;
  holdJudges: Promise<void> | null = null;
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

/** The activities, all on one task queue, of runs whose data sets have so many shards; and the books of each run. */
export function pretendedWork(taskQueue: string, shards: number) {
  const books = new Map<string, Books>();
  const bookOf = (runId: string): Books => {
    const book = books.get(runId) ?? new Books();
    books.set(runId, book);
    return book;
  };

  const activities = {
    resolveRun: async () => ({
      taskQueues: { cpu: taskQueue, gpu: taskQueue },
      dataset: null,
      train: null,
      synthetic: null,
    }),
    findStage: async () => null,
    async recordStage({ runId, stage, asAsked }: Parameters<RunActivities['recordStage']>[0]): Promise<void> {
      if (asAsked) bookOf(runId).asAsked.push(stage);
    },
    newestCheckpoint: async ({ runId }: { runId: string }) => bookOf(runId).snapshot(bookOf(runId).kimg),
    async planDataset({ runId }: { runId: string }) {
      const book = bookOf(runId);
      await book.holdPlan;
      return { digest: 'd', shards: book.plannedShards ?? shards, dataset: null };
    },
    buildShard: async ({ shard }: { shard: number }) => void bookOf('shards').shards.push(shard),
    assembleDataset: async () => dataset,
    async train({ runId, targetKimg, announced }: TrainInput): Promise<TrainOutcome> {
      const book = bookOf(runId);
      const context = Context.current();
      book.legs++;
      if (book.failTraining) throw book.failTraining;
      const snapshots: CheckpointRef[] = [];
      const target = book.countsWholeImages ? Math.round(targetKimg * 1000) / 1000 : targetKimg;
      while (book.kimg < target && !context.cancellationSignal.aborted) {
        await new Promise((resolve) => setTimeout(resolve, 40));
        book.kimg++;
        context.heartbeat(book.kimg);
        const snapshot = book.snapshot(book.kimg);
        snapshots.push(snapshot);
        if (snapshot.step > announced) {
          const { workflowId } = context.info.workflowExecution ?? assert.fail();
          await context.client.workflow.getHandle(workflowId).signal('snapshots', [snapshot]);
        }
      }
      return { last: book.snapshot(book.kimg), snapshots };
    },
    async evaluateSnapshot({ runId, snapshot }: SnapshotInput) {
      await bookOf(runId).holdJudges;
      return [{ kimg: snapshot.kimg, metric: 'fd_effnetlite0', value: bookOf(runId).fd(snapshot.kimg) }];
    },
  };
  return { bookOf, activities };
}
