/** The train stage: one supervised trainer at a time, and the evaluation of its snapshots. */
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { log } from '../core/log.js';
import { findTransfer } from '../weights/transfer-report.js';
import { findPoints, listSnapshots, newestListed, recordPoints, storedCurve } from '../checkpoints/index.js';
import { superviseTrainer, type TrainerEvent, type TrainingOutcome } from '../training/index.js';
import { type CarriedCurve, CurveHead, RECENT_SNAPSHOTS } from '../spec/curve-head.js';
import type { Compute, SnapshotInput } from '../spec/compute-tasks.js';
import type { Resumption } from '../spec/controls.js';
import type { CheckpointRef, CurvePoint, DatasetRef, TransferReport } from '../spec/results.js';
import type { TrainSpec } from '../spec/train.js';
import type { ObjectStore } from '../storage/object-store.js';
import { assertNotHopeless, fruitlessOf, isOutage } from './attempt-count.js';
import { asFailure } from './failures.js';
import { withHeartbeats } from './heartbeat.js';
import { keepPlace } from './training/place.js';
import { OrphanWatch } from './training/orphan-watch.js';
import { SnapshotAnnouncer } from './training/snapshot-announcer.js';
import { TrainProgress } from './training/progress.js';

export interface TrainInput {
  runId: string;
  dataset: DatasetRef;
  train: TrainSpec;
  targetKimg: number;
  /** Step of the newest snapshot that the workflow knows of. */
  announced: number;
  /** The newest checkpoint that the workflow knows of: the training never starts from scratch. */
  expected: CheckpointRef | null;
  /** Id of the run that the training belongs to. */
  parent: string | null;
}

export interface TrainActivityResult {
  last: CheckpointRef | null;
  snapshots: CheckpointRef[];
  /** What the training copied from another one. */
  transfer?: TransferReport | null;
  /** What the attempt started from; null when it was stopped before. */
  resumption?: Resumption | null;
}

/** A training as the store knows it. */
export interface TrainingRecord {
  last: CheckpointRef | null;
  /** The newest ones, and the best. */
  snapshots: CheckpointRef[];
  /** Older snapshots, up to this step, are settled; not in records of earlier versions. */
  settledStep?: number;
  curve: CurvePoint[];
  /** The curve as a workflow keeps it; not in records of earlier versions. */
  head?: CarriedCurve;
}

/** Snapshots in one message; of older ones only the newest would be evaluated anyway. */
const MOST_ANNOUNCED = 200;

export function createTrainActivities({ store, compute }: { store: ObjectStore; compute: Compute }) {
  return {
    /**
     * Trains until `targetKimg`, or until cancelled; then it writes a checkpoint and returns it.
     * When the worker shuts down, or the activity is paused or reset, it writes a checkpoint too
     * and fails with a retryable failure: the next attempt resumes at that step.
     */
    async train(input: TrainInput): Promise<TrainActivityResult> {
      const progress = new TrainProgress(input.expected);
      try {
        assertNotHopeless(progress.heartbeat);
        void keepPlace();
        const outcome = await compute.lendDevice(() => superviseWithHeartbeats(store, input, progress));
        return {
          // A trainer that stops early has not read the checkpoints of earlier attempts.
          last: outcome.checkpoint ?? (await newestListed(store, input.runId)),
          snapshots: (await listSnapshots(store, input.runId))
            .filter(({ step }) => step > input.announced)
            .slice(-MOST_ANNOUNCED),
          transfer: await findTransfer(store, input.runId),
          resumption: progress.heartbeat.resumption,
        };
      } catch (error) {
        const fruitless = fruitlessOf(progress.heartbeat);
        if (isOutage(error)) progress.forgiveAttempt();
        throw asFailure(error, fruitless);
      }
    },

    /** The metrics of one snapshot. Idempotent. */
    async evaluateSnapshot(input: SnapshotInput): Promise<CurvePoint[]> {
      const stored = await findPoints(store, input);
      if (stored) return stored;
      const points = await withHeartbeats('computing', (controls) =>
        compute.run('evaluateSnapshot', input, controls),
      );
      await recordPoints(store, input, points);
      return points;
    },

    /** What earlier executions of a run have trained and evaluated. */
    async trainingRecord(training: Pick<TrainInput, 'runId' | 'dataset' | 'train'>): Promise<TrainingRecord> {
      const { runId } = training;
      return withHeartbeats('listing', async ({ onProgress }) => {
        const [last, snapshots, curve] = await Promise.all([
          newestListed(store, runId),
          listSnapshots(store, runId),
          storedCurve(store, training, onProgress),
        ]);
        return { last, ...boundedRecord(snapshots, curve, training.train.stopWhen) };
      });
    },
  };
}

export type TrainActivities = ReturnType<typeof createTrainActivities>;

/** What a message can carry of a training of any length. */
export function boundedRecord(
  snapshots: CheckpointRef[],
  curve: CurvePoint[],
  stopWhen: TrainSpec['stopWhen'],
): Omit<TrainingRecord, 'last'> {
  const head = new CurveHead(stopWhen);
  for (const point of curve) head.add([point]);
  const bestKimg = head.convergence.best?.kimg;
  const recent = snapshots.slice(-RECENT_SNAPSHOTS);
  const best = snapshots.filter((ref) => ref.kimg === bestKimg && !recent.includes(ref));
  const settledStep = snapshots.at(-RECENT_SNAPSHOTS - 1)?.step ?? -1;
  return { snapshots: [...best, ...recent], settledStep, curve: [], head: head.carried };
}

async function superviseWithHeartbeats(
  store: ObjectStore,
  input: TrainInput,
  progress: TrainProgress,
): Promise<TrainingOutcome> {
  const context = Context.current();
  const announcer = new SnapshotAnnouncer(input.announced);
  const orphans = new OrphanWatch(input.parent);
  const stopBeating = progress.startHeartbeats();
  try {
    const outcome = await superviseTrainer(
      {
        ...input,
        expected: progress.heartbeat.checkpoint,
        storeUri: store.uri,
        attempt: context.info.currentAttemptScheduledTimestampMs,
      },
      {
        signal: AbortSignal.any([context.cancellationSignal, orphans.signal]),
        onEvent: (event) => {
          progress.record(event);
          logEvent(input.runId, event);
          // Not before: the trainer has now verified that the checkpoints belong to this training.
          if (event.type === 'started') announcer.announceSoon(listSnapshots(store, input.runId));
          if (event.type === 'checkpoint' && event.snapshot) announcer.announceSoon([event.checkpoint]);
        },
      },
    );
    if (outcome.type === 'stopped') throwUnlessRequested(progress, orphans);
    return outcome;
  } finally {
    stopBeating();
    orphans.stop();
  }
}

/** A training that was stopped by anything but its workflow is not finished. */
function throwUnlessRequested(progress: TrainProgress, orphans: OrphanWatch): void {
  if (orphans.signal.aborted)
    throw ApplicationFailure.nonRetryable(
      'The run that this training belongs to has ended; a checkpoint is in place.',
      'OrphanedTraining',
    );
  const details = Context.current().cancellationDetails;
  const reason = details?.workerShutdown
    ? 'WorkerShutdown'
    : details?.paused
      ? 'ActivityPaused'
      : details?.reset
        ? 'ActivityReset'
        : null;
  if (reason === null) return;
  progress.forgiveAttempt();
  throw ApplicationFailure.retryable('The training was interrupted; a checkpoint is in place.', reason);
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
