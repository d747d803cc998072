/** Trains until the kimg are used up, the metric has converged or the user says stop; judges snapshots on the way. */
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { RunActivities } from '../activities/run.js';
import type { TrainActivities } from '../activities/train.js';
import type { CheckpointRef, CurvePoint, DatasetRef, TrainResult, TransferReport } from '../spec/results.js';
import type { TrainSpec } from '../spec/train.js';
import { judgeCurve } from './convergence.js';
import {
  snapshotsSignal,
  type TrainReport,
  type TrainWish,
  trainReportSignal,
  wishSignal,
} from './messages.js';
import { BOOKKEEPING, STEADY_WORK, TRAINING } from './policies.js';

export interface TrainUntilConvergedInput {
  runId: string;
  dataset: DatasetRef;
  train: TrainSpec;
  taskQueues: { cpu: string; gpu: string };
  wish: TrainWish;
  /** Carried over when the workflow continues as new. */
  carried?: {
    snapshots: CheckpointRef[];
    curve: CurvePoint[];
    last: CheckpointRef | null;
    reports: number;
    transfer?: TransferReport;
  };
}

/** History events after which the training is checkpointed and goes on under a fresh history. */
const HISTORY_EVENTS = 8_000;

export async function trainUntilConverged(input: TrainUntilConvergedInput): Promise<TrainResult> {
  const training = new Training(input);
  setHandler(wishSignal, (wish) => training.hear(wish));
  setHandler(snapshotsSignal, (refs) => training.addSnapshots(refs));
  return training.run();
}

class Training {
  private wish: TrainWish;
  private last: CheckpointRef | null;
  private readonly snapshots: CheckpointRef[];
  private readonly curve: CurvePoint[];
  private readonly judging = new Map<string, Promise<void>>();
  private judgeFailure: { error: unknown } | undefined;
  private scope: CancellationScope | undefined;
  /** A judge may finish at any time: what it reports must not contradict where the training is. */
  private state: TrainReport['state'] = 'running';
  private reports: number;
  private transfer: TransferReport | undefined;
  private readonly trainer;
  private readonly judge;
  private readonly books;

  constructor(private readonly input: TrainUntilConvergedInput) {
    this.wish = input.wish;
    this.last = input.carried?.last ?? null;
    this.snapshots = input.carried?.snapshots ?? [];
    this.curve = input.carried?.curve ?? [];
    this.reports = input.carried?.reports ?? 0;
    this.transfer = input.carried?.transfer;
    this.trainer = proxyActivities<TrainActivities>({ ...TRAINING, taskQueue: input.taskQueues.gpu });
    this.books = proxyActivities<RunActivities>(BOOKKEEPING);
    this.judge = proxyActivities<TrainActivities>({ ...STEADY_WORK, taskQueue: input.taskQueues.cpu });
  }

  hear(wish: TrainWish): void {
    this.wish = wish;
    if (this.mustHalt()) this.scope?.cancel();
  }

  /** Snapshots may be announced more than once: by every attempt that finds them. */
  addSnapshots(refs: CheckpointRef[]): void {
    for (const ref of refs) {
      if (this.last === null || ref.step > this.last.step) this.last = ref;
      if (this.snapshots.some((known) => known.prefix === ref.prefix)) continue;
      this.snapshots.push(ref);
    }
    this.judgeNew();
    if (this.mustHalt()) this.scope?.cancel();
  }

  async run(): Promise<TrainResult> {
    this.judgeNew();
    for (;;) {
      if (this.wish.paused && !this.ended()) await this.waitWhilePaused();
      const ended = this.ended();
      if (ended && (await this.staysEnded(ended))) return this.finish(ended);
      await this.trainAWhile();
      if (this.judgeFailure) throw this.judgeFailure.error;
      if (this.historyIsLong() && !this.ended()) await this.startAfresh();
    }
  }

  private async trainAWhile(): Promise<void> {
    this.state = 'running';
    await this.report();
    const { runId, dataset, train } = this.input;
    const { targetKimg } = this.wish;
    this.scope = new CancellationScope();
    const leg = this.scope.run(() =>
      this.trainer.train({ runId, dataset, train, targetKimg, announced: this.snapshots.at(-1)?.step ?? 0 }),
    );
    if (this.mustHalt()) this.scope.cancel();
    try {
      const outcome = await leg;
      this.last = outcome.last ?? this.last;
      this.transfer = outcome.transfer ?? this.transfer;
      this.addSnapshots(outcome.snapshots);
    } catch (error) {
      if (!this.isOnlyHalted(error)) throw error;
      const { runId } = this.input;
      this.last =
        (await CancellationScope.nonCancellable(() => this.books.newestCheckpoint({ runId }))) ?? this.last;
    } finally {
      this.scope = undefined;
    }
    if (CancellationScope.current().consideredCancelled)
      throw new CancelledFailure('The training was cancelled');
  }

  /**
   * Whether a leg failed only because we halted it: cancelled before a worker had begun it, or its worker died on the way to
   * the checkpoint (an activity that was asked to stop is not retried). What it left in the store stands.
   */
  private isOnlyHalted(error: unknown): boolean {
    if (!this.scope?.consideredCancelled || !(error instanceof ActivityFailure)) return false;
    return !(error.cause instanceof ApplicationFailure && error.cause.nonRetryable);
  }

  /** Whether the trainer should leave the device: for a pause, a stop, convergence or a fresh history. */
  private mustHalt(): boolean {
    return (
      this.wish.paused || this.ended() !== null || this.judgeFailure !== undefined || this.historyIsLong()
    );
  }

  private ended(): TrainResult['ended'] | null {
    // Whole images, as the trainer counts: it may end a fraction of one before the target.
    const images = (kimg: number) => Math.round(kimg * 1000);
    if (this.last && images(this.last.kimg) >= images(this.wish.targetKimg)) return 'complete';
    if (this.wish.stop) return 'stopped';
    if (judgeCurve(this.curve, this.input.train.stopWhen).converged) return 'converged';
    return null;
  }

  private historyIsLong(): boolean {
    return workflowInfo().historyLength > HISTORY_EVENTS || workflowInfo().continueAsNewSuggested;
  }

  private async waitWhilePaused(): Promise<void> {
    this.state = 'paused';
    await this.report();
    await condition(() => !this.wish.paused || this.ended() !== null);
  }

  private judgeNew(): void {
    if (this.input.train.snapshotMetrics.length === 0) return;
    for (const snapshot of this.snapshots) {
      if (this.judging.has(snapshot.prefix) || this.curve.some((point) => point.kimg === snapshot.kimg))
        continue;
      this.judging.set(snapshot.prefix, this.judgeOne(snapshot));
    }
  }

  /** A judge that fails for good ends the training with its error, after the trainer's own checkpoint. */
  private async judgeOne(snapshot: CheckpointRef): Promise<void> {
    try {
      const points = await this.judge.evaluateSnapshot({
        runId: this.input.runId,
        dataset: this.input.dataset,
        train: this.input.train,
        snapshot,
      });
      this.curve.push(...points);
      this.curve.sort((a, b) => a.kimg - b.kimg);
      await this.report(points);
    } catch (error) {
      this.judgeFailure ??= { error };
    }
    if (this.mustHalt()) this.scope?.cancel();
  }

  /** Waits for the judges. An extension may arrive meanwhile: then there is more to train. */
  private async staysEnded(ended: TrainResult['ended']): Promise<boolean> {
    const isExtended = () => ended === 'complete' && this.ended() !== 'complete';
    await this.report();
    let judged = false;
    void Promise.all(this.judging.values()).then(() => {
      judged = true;
    });
    await condition(() => judged || this.judgeFailure !== undefined || isExtended());
    if (this.judgeFailure) throw this.judgeFailure.error;
    return !isExtended();
  }

  private async finish(ended: TrainResult['ended']): Promise<TrainResult> {
    const last = this.last;
    if (!last)
      throw ApplicationFailure.nonRetryable(
        'The training was stopped before its first checkpoint.',
        'RunError',
      );
    const { best } = judgeCurve(this.curve, this.input.train.stopWhen);
    const checkpoint = this.snapshots.find((snapshot) => snapshot.kimg === best?.kimg) ?? last;
    const { curve, transfer } = this;
    return { stage: 'train', checkpoint, last, ended, curve, ...(transfer && { transfer }) };
  }

  private async startAfresh(): Promise<never> {
    await Promise.all(this.judging.values());
    const { snapshots, curve, last, reports, transfer } = this;
    return continueAsNew<typeof trainUntilConverged>({
      ...this.input,
      wish: this.wish,
      carried: { snapshots, curve, last, reports, ...(transfer && { transfer }) },
    });
  }

  private async report(points?: CurvePoint[]): Promise<void> {
    const { parent } = workflowInfo();
    if (!parent) return;
    const report: TrainReport = {
      serial: ++this.reports,
      state: this.state,
      targetKimg: this.wish.targetKimg,
      lastCheckpoint: this.last,
      points,
    };
    await getExternalWorkflowHandle(parent.workflowId).signal(trainReportSignal, report);
  }
}
