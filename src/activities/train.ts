/** The train stage: one supervised trainer at a time, and the evaluation of its snapshots. */
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { log } from '../core/log.js';
import { findTransfer } from '../weights/transfer-report.js';
import { listSnapshots, newestListed } from '../checkpoints/index.js';
import { superviseTrainer, type TrainerEvent } from '../training/index.js';
import type { Compute, SnapshotInput } from '../spec/compute-tasks.js';
import type { TrainHeartbeat } from '../spec/controls.js';
import type { CheckpointRef, CurvePoint, DatasetRef, TransferReport } from '../spec/results.js';
import type { TrainSpec } from '../spec/train.js';
import type { ObjectStore } from '../storage/object-store.js';
import { workControls } from './heartbeat.js';

export interface TrainInput {
  runId: string;
  dataset: DatasetRef;
  train: TrainSpec;
  targetKimg: number;
  /** Step of the newest snapshot that the workflow knows of. */
  announced: number;
}

export interface TrainActivityResult {
  last: CheckpointRef | null;
  snapshots: CheckpointRef[];
  /** What the training copied from another one. */
  transfer?: TransferReport | null;
}

/**
 * A trainer without an event for this long counts as hung; less than the heartbeat timeout, so that
 * its own worker replaces it.
 */
const STALL_MS = 25_000;

export function createTrainActivities({ store, compute }: { store: ObjectStore; compute: Compute }) {
  return {
    /**
     * Trains until `targetKimg`, or until cancelled; then it writes a checkpoint and returns it.
     * When the worker shuts down it writes a checkpoint too and fails with a retryable failure: the
     * next attempt resumes at that step.
     */
    async train(input: TrainInput): Promise<TrainActivityResult> {
      const context = Context.current();
      const announcer = new Announcer(input.announced);
      const heartbeat: TrainHeartbeat = {
        kimg: 0,
        step: 0,
        imagesPerSecond: 0,
        checkpoint: null,
        attempt: context.info.attempt,
        resumption: null,
        fruitlessAttempts: context.info.attempt,
        progressMs: context.info.scheduledTimestampMs,
      };
      const outcome = await superviseTrainer(
        {
          ...input,
          storeUri: store.uri,
          attempt: context.info.currentAttemptScheduledTimestampMs,
          expected: null,
        },
        {
          signal: context.cancellationSignal,
          stallTimeoutMs: STALL_MS,
          onEvent: (event) => {
            recordHeartbeat(heartbeat, event);
            logEvent(input.runId, event);
            // Not before: the trainer has now verified that the checkpoints belong to this
            // training.
            if (event.type === 'started') announcer.announceSoon(listSnapshots(store, input.runId));
            if (event.type === 'checkpoint' && event.snapshot) announcer.announceSoon([event.checkpoint]);
          },
        },
      );
      if (outcome.type === 'stopped' && context.cancellationDetails?.workerShutdown) {
        throw ApplicationFailure.retryable(
          'The worker is shutting down; a checkpoint is in place.',
          'WorkerShutdown',
        );
      }
      return {
        // A trainer that stops early has not read the checkpoints of earlier attempts.
        last: outcome.checkpoint ?? (await newestListed(store, input.runId)),
        snapshots: (await listSnapshots(store, input.runId)).filter(({ step }) => step > input.announced),
        transfer: await findTransfer(store, input.runId),
      };
    },

    /** The metrics of one snapshot. Idempotent. */
    async evaluateSnapshot(input: SnapshotInput): Promise<CurvePoint[]> {
      return compute.run('evaluateSnapshot', input, workControls());
    },
  };
}

export type TrainActivities = ReturnType<typeof createTrainActivities>;

/** Heartbeats follow the trainer's events only: without events there are no heartbeats. */
function recordHeartbeat(heartbeat: TrainHeartbeat, event: TrainerEvent): void {
  if (event.type === 'progress') {
    const { kimg, step, imagesPerSecond } = event;
    Object.assign(heartbeat, { kimg, step, imagesPerSecond });
  }
  if (event.type === 'checkpoint') heartbeat.checkpoint = event.checkpoint;
  Context.current().heartbeat(heartbeat);
}

/** Events that help to find the cause of a failure in the worker's log. */
function logEvent(runId: string, event: TrainerEvent): void {
  if (event.type === 'started') {
    log.info('training starts', { runId, resumedFromStep: event.resumedFrom?.step ?? 0 });
    if (event.transfer) log.info(event.transfer, { runId });
    for (const warning of event.warnings) log.warn(warning, { runId });
  }
  if (event.type === 'warning') log.warn(event.message, { runId });
  if (event.type === 'checkpoint')
    log.info('checkpoint', { runId, kimg: event.checkpoint.kimg, step: event.checkpoint.step });
}

/**
 * Announces snapshots to the workflow. After a failure, a later event, attempt or the result
 * announces them.
 */
class Announcer {
  constructor(private announced: number) {}

  async announce(snapshots: CheckpointRef[]): Promise<void> {
    const fresh = snapshots.filter(({ step }) => step > this.announced);
    if (fresh.length === 0) return;
    const { client, info } = Context.current();
    const execution = info.workflowExecution;
    if (!execution) return;
    await client.workflow.getHandle(execution.workflowId, execution.runId).signal('snapshots', fresh);
    this.announced = Math.max(this.announced, ...fresh.map(({ step }) => step));
  }

  announceSoon(snapshots: CheckpointRef[] | Promise<CheckpointRef[]>): void {
    const announced = Promise.resolve(snapshots).then((known) => this.announce(known));
    announced.catch((error: unknown) => {
      log.warn('a snapshot could not be announced yet', {
        error: error instanceof Error ? error.message : String(error),
      });
    });
  }
}
