/**
 * Trains until the target is reached, the metric has converged or the user stops it, and evaluates
 * its snapshots meanwhile.
 */
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
import { checkConvergence } from './convergence.js';
import {
  snapshotsSignal,
  type TrainReport,
  type TrainDirective,
  trainReportSignal,
  directiveSignal,
} from './messages.js';
import { BOOKKEEPING, STEADY_WORK, TRAINING } from './policies.js';

export interface TrainUntilConvergedInput {
  runId: string;
  dataset: DatasetRef;
  train: TrainSpec;
  taskQueues: { cpu: string; gpu: string };
  directive: TrainDirective;
  /** Carried over when the workflow continues as new. */
  carried?: {
    snapshots: CheckpointRef[];
    curve: CurvePoint[];
    last: CheckpointRef | null;
    reports: number;
    transfer?: TransferReport;
  };
}

/** History events after which the trainer writes a checkpoint and the workflow continues as new. */
const HISTORY_EVENTS = 8_000;

export async function trainUntilConverged(input: TrainUntilConvergedInput): Promise<TrainResult> {
  const training = new TrainUntilConverged(input);
  setHandler(directiveSignal, (directive) => training.onDirective(directive));
  setHandler(snapshotsSignal, (refs) => training.onSnapshots(refs));
  return training.run();
}

class TrainUntilConverged {
  private directive: TrainDirective;
  private last: CheckpointRef | null;
  private readonly snapshots: CheckpointRef[];
  private readonly curve: CurvePoint[];
  private readonly evaluations = new Map<string, Promise<void>>();
  private evaluationFailure: { error: unknown } | undefined;
  private scope: CancellationScope | undefined;
  /**
   * An evaluation may end at any time: its report must not contradict the state of the training.
   */
  private state: TrainReport['state'] = 'running';
  private reports: number;
  private transfer: TransferReport | undefined;
  private readonly trainer;
  private readonly evaluator;
  private readonly bookkeeping;

  constructor(private readonly input: TrainUntilConvergedInput) {
    this.directive = input.directive;
    this.last = input.carried?.last ?? null;
    this.snapshots = input.carried?.snapshots ?? [];
    this.curve = input.carried?.curve ?? [];
    this.reports = input.carried?.reports ?? 0;
    this.transfer = input.carried?.transfer;
    this.trainer = proxyActivities<TrainActivities>({ ...TRAINING, taskQueue: input.taskQueues.gpu });
    this.bookkeeping = proxyActivities<RunActivities>(BOOKKEEPING);
    this.evaluator = proxyActivities<TrainActivities>({ ...STEADY_WORK, taskQueue: input.taskQueues.cpu });
  }

  onDirective(directive: TrainDirective): void {
    this.directive = directive;
    if (this.mustHalt()) this.scope?.cancel();
  }

  /** Snapshots may be announced more than once: by every attempt that finds them. */
  onSnapshots(refs: CheckpointRef[]): void {
    for (const ref of refs) {
      if (this.last === null || ref.step > this.last.step) this.last = ref;
      if (this.snapshots.some((known) => known.prefix === ref.prefix)) continue;
      this.snapshots.push(ref);
    }
    this.evaluateNew();
    if (this.mustHalt()) this.scope?.cancel();
  }

  async run(): Promise<TrainResult> {
    this.evaluateNew();
    for (;;) {
      if (this.directive.paused && !this.endReason()) await this.waitWhilePaused();
      const endReason = this.endReason();
      if (endReason && (await this.staysEnded(endReason))) return this.finish(endReason);
      await this.runTrainActivity();
      if (this.evaluationFailure) throw this.evaluationFailure.error;
      if (this.historyIsLong() && !this.endReason()) await this.continueWithNewHistory();
    }
  }

  private async runTrainActivity(): Promise<void> {
    this.state = 'running';
    await this.report();
    const { runId, dataset, train } = this.input;
    const { targetKimg } = this.directive;
    this.scope = new CancellationScope();
    const activity = this.scope.run(() =>
      this.trainer.train({ runId, dataset, train, targetKimg, announced: this.snapshots.at(-1)?.step ?? 0 }),
    );
    if (this.mustHalt()) this.scope.cancel();
    try {
      const outcome = await activity;
      this.last = outcome.last ?? this.last;
      this.transfer = outcome.transfer ?? this.transfer;
      this.onSnapshots(outcome.snapshots);
    } catch (error) {
      if (!this.isExpectedAfterHalt(error)) throw error;
      const { runId } = this.input;
      this.last =
        (await CancellationScope.nonCancellable(() => this.bookkeeping.newestCheckpoint({ runId }))) ??
        this.last;
    } finally {
      this.scope = undefined;
    }
    if (CancellationScope.current().consideredCancelled)
      throw new CancelledFailure('The training was cancelled');
  }

  /**
   * Whether the train activity failed only because it was cancelled: before a worker had started
   * it, or its worker died before the last checkpoint (an activity with a requested cancellation is
   * not retried). Its earlier checkpoints count.
   */
  private isExpectedAfterHalt(error: unknown): boolean {
    if (!this.scope?.consideredCancelled || !(error instanceof ActivityFailure)) return false;
    return !(error.cause instanceof ApplicationFailure && error.cause.nonRetryable);
  }

  /**
   * Whether the trainer should release the device: for a pause, a stop, convergence or a new
   * history.
   */
  private mustHalt(): boolean {
    return (
      this.directive.paused ||
      this.endReason() !== null ||
      this.evaluationFailure !== undefined ||
      this.historyIsLong()
    );
  }

  private endReason(): TrainResult['ended'] | null {
    // Whole images, as the trainer counts: a target may lie between two of them.
    const images = (kimg: number) => Math.round(kimg * 1000);
    if (this.last && images(this.last.kimg) >= images(this.directive.targetKimg)) return 'complete';
    if (this.directive.stop) return 'stopped';
    if (checkConvergence(this.curve, this.input.train.stopWhen).converged) return 'converged';
    return null;
  }

  private historyIsLong(): boolean {
    return workflowInfo().historyLength > HISTORY_EVENTS || workflowInfo().continueAsNewSuggested;
  }

  private async waitWhilePaused(): Promise<void> {
    this.state = 'paused';
    await this.report();
    await condition(() => !this.directive.paused || this.endReason() !== null);
  }

  private evaluateNew(): void {
    if (this.input.train.snapshotMetrics.length === 0) return;
    for (const snapshot of this.snapshots) {
      if (this.evaluations.has(snapshot.prefix) || this.curve.some((point) => point.kimg === snapshot.kimg))
        continue;
      this.evaluations.set(snapshot.prefix, this.evaluate(snapshot));
    }
  }

  /**
   * An evaluation that fails permanently ends the training with its error, after a last checkpoint.
   */
  private async evaluate(snapshot: CheckpointRef): Promise<void> {
    try {
      const points = await this.evaluator.evaluateSnapshot({
        runId: this.input.runId,
        dataset: this.input.dataset,
        train: this.input.train,
        snapshot,
      });
      this.curve.push(...points);
      this.curve.sort((a, b) => a.kimg - b.kimg);
      await this.report(points);
    } catch (error) {
      this.evaluationFailure ??= { error };
    }
    if (this.mustHalt()) this.scope?.cancel();
  }

  /** Waits for the evaluations. An extension may arrive meanwhile: then the training continues. */
  private async staysEnded(endReason: TrainResult['ended']): Promise<boolean> {
    const isExtended = () => endReason === 'complete' && this.endReason() !== 'complete';
    await this.report();
    let isEvaluated = false;
    void Promise.all(this.evaluations.values()).then(() => {
      isEvaluated = true;
    });
    await condition(() => isEvaluated || this.evaluationFailure !== undefined || isExtended());
    if (this.evaluationFailure) throw this.evaluationFailure.error;
    return !isExtended();
  }

  private async finish(endReason: TrainResult['ended']): Promise<TrainResult> {
    const last = this.last;
    if (!last)
      throw ApplicationFailure.nonRetryable(
        'The training was stopped before its first checkpoint.',
        'RunError',
      );
    const { best } = checkConvergence(this.curve, this.input.train.stopWhen);
    const checkpoint = this.snapshots.find((snapshot) => snapshot.kimg === best?.kimg) ?? last;
    const { curve, transfer } = this;
    return { stage: 'train', checkpoint, last, ended: endReason, curve, ...(transfer && { transfer }) };
  }

  private async continueWithNewHistory(): Promise<never> {
    await Promise.all(this.evaluations.values());
    const { snapshots, curve, last, reports, transfer } = this;
    return continueAsNew<typeof trainUntilConverged>({
      ...this.input,
      directive: this.directive,
      carried: { snapshots, curve, last, reports, ...(transfer && { transfer }) },
    });
  }

  private async report(points?: CurvePoint[]): Promise<void> {
    const { parent } = workflowInfo();
    if (!parent) return;
    const report: TrainReport = {
      serial: ++this.reports,
      state: this.state,
      targetKimg: this.directive.targetKimg,
      lastCheckpoint: this.last,
      points,
    };
    await getExternalWorkflowHandle(parent.workflowId).signal(trainReportSignal, report);
  }
}
