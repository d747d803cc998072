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
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { RunActivities } from '../activities/run.js';
import type { TrainActivities } from '../activities/train.js';
import type { Attention, Resumption } from '../spec/controls.js';
import type {
  CheckpointRef,
  CurvePoint,
  DatasetRef,
  MetricGap,
  TrainResult,
  TransferReport,
} from '../spec/results.js';
import type { PipelineInput } from '../spec/pipeline.js';
import type { TaskQueues } from '../spec/task-queues.js';
import type { TrainSpec } from '../spec/train.js';
import { CurveHead, RECENT_SNAPSHOTS } from '../spec/curve-head.js';
import { attentionAfter, notify } from './attention.js';
import { historyIsLong } from './history.js';
import {
  snapshotsSignal,
  type TrainReport,
  type TrainDirective,
  trainReportSignal,
  directiveSignal,
  type TrainingProgress,
  trainingQuery,
} from './messages.js';
import { BOOKKEEPING, EVALUATION, STEADY_WORK, TRAINING } from './policies.js';
import { type CarriedEvaluations, SnapshotEvaluations } from './snapshot-evaluations.js';
import { hasWaitedLong, placeInQueue } from './training-priority.js';

export interface TrainUntilConvergedInput {
  runId: string;
  dataset: DatasetRef;
  train: TrainSpec;
  taskQueues: TaskQueues;
  directive: TrainDirective;
  /** History events after which it continues as new. Default: 8,000. */
  historyEvents?: number;
  /** Whether it was started by itself, and not by a run. */
  isAlone?: boolean;
  /** Carried over when the workflow continues as new. */
  carried?: CarriedTraining;
}

interface CarriedTraining {
  snapshots: CheckpointRef[];
  /** Snapshots up to this step are known, also those that are not listed any more. */
  settledStep?: number;
  /** Not carried by earlier versions, which carry `curve` and `gaps`. */
  evaluations?: CarriedEvaluations;
  curve?: CurvePoint[];
  gaps?: MetricGap[];
  last: CheckpointRef | null;
  reports: number;
  transfer?: TransferReport;
}

/** Snapshots that it lists, before the older ones are left to the store. */
const MOST_SNAPSHOTS = 400;
/** How long a training that has ended waits for the next of its evaluations. */
const LAST_EVALUATIONS = '30 minutes';

/**
 * @param input what a run gives its training; or a spec as a user writes it, with the data set in
 *   `from`, and the training is a run of its own with this one stage
 */
export async function trainUntilConverged(
  input: TrainUntilConvergedInput | PipelineInput,
): Promise<TrainResult> {
  let training: TrainUntilConverged | null = null;
  setHandler(trainingQuery, () => training?.progress ?? null);
  const own = 'directive' in input ? input : await resolveAlone(input);
  const reused = own.isAlone && !own.carried ? await findResult(own) : null;
  if (reused) return reused;
  const begun = new TrainUntilConverged(own);
  training = begun;
  setHandler(directiveSignal, (directive) => begun.onDirective(directive));
  setHandler(snapshotsSignal, (refs) => begun.onSnapshots(refs));
  const result = await begun.run();
  if (own.isAlone) await recordResult(own, result);
  return result;
}

const { resolveRun, findStage, recordStage } = proxyActivities<RunActivities>(BOOKKEEPING);

async function resolveAlone(spec: PipelineInput): Promise<TrainUntilConvergedInput> {
  const { workflowId: runId, firstExecutionRunId, runId: execution } = workflowInfo();
  const isNew = execution === firstExecutionRunId;
  const input: PipelineInput = { ...spec, stages: ['train'] };
  const { spec: resolved, dataset, taskQueues, directive } = await resolveRun({ runId, input, isNew });
  if (!dataset) throw ApplicationFailure.nonRetryable('from.dataset: is required', 'SpecError');
  const { train } = resolved;
  return {
    ...{ runId, dataset, train, taskQueues, isAlone: true },
    directive: {
      ...{ paused: false, resumptions: 0, stop: directive?.stop ?? false },
      targetKimg: directive?.targetKimg ?? train.kimg,
    },
  };
}

function lookupOf({ runId, dataset, train }: TrainUntilConvergedInput) {
  return { runId, stage: 'train' as const, inputs: [dataset.digest], settings: train, reuse: true };
}

async function findResult(input: TrainUntilConvergedInput): Promise<TrainResult | null> {
  return (await findStage(lookupOf(input))) as TrainResult | null;
}

/** So that later runs find it by `from`, and reuse it. */
async function recordResult(input: TrainUntilConvergedInput, result: TrainResult): Promise<void> {
  const matchesSpec = result.ended !== 'stopped' && input.directive.targetKimg === input.train.kimg;
  await recordStage({ ...lookupOf(input), result, matchesSpec });
}

class TrainUntilConverged {
  private directive: TrainDirective;
  private last: CheckpointRef | null;
  /** The newest ones, those in evaluation, and the best. */
  private snapshots: CheckpointRef[];
  private settledStep: number;
  /** Evaluations that no report has had yet. */
  private evaluationsUnreported = 0;
  private unreported: Required<Pick<TrainReport, 'points' | 'gaps'>> = { points: [], gaps: [] };
  private readonly evaluations: SnapshotEvaluations;
  /** The newest checkpoint of an earlier execution of the run. */
  private expected: CheckpointRef | null = null;
  /** Whether a trainer has found that the checkpoints belong to this training. */
  private isVerified: boolean;
  private scope: CancellationScope | undefined;
  /**
   * An evaluation may end at any time: its report must not contradict the state of the training.
   */
  private state: TrainReport['state'] = 'running';
  private attention: Attention | null = null;
  private resumption: Resumption | null = null;
  private reports: number;
  private transfer: TransferReport | undefined;
  /** Whether it has waited for a device for so long that it no longer lets others go first. */
  private isOverdue = false;
  private readonly bookkeeping;
  private readonly steady;

  constructor(private readonly input: TrainUntilConvergedInput) {
    const { carried, taskQueues } = input;
    this.directive = input.directive;
    this.last = carried?.last ?? null;
    this.isVerified = carried !== undefined;
    this.snapshots = carried?.snapshots ?? [];
    this.settledStep = carried?.settledStep ?? -1;
    this.reports = carried?.reports ?? 0;
    this.transfer = carried?.transfer;
    this.bookkeeping = proxyActivities<RunActivities>(BOOKKEEPING);
    this.steady = proxyActivities<TrainActivities>(STEADY_WORK);
    const taskQueue = taskQueues.evaluation ?? taskQueues.cpu;
    const evaluator = proxyActivities<TrainActivities>({ ...EVALUATION, taskQueue });
    const { runId, dataset, train } = input;
    this.evaluations = new SnapshotEvaluations({
      evaluate: (snapshot) => evaluator.evaluateSnapshot({ runId, dataset, train, snapshot }),
      onChange: (change) => {
        void this.reportEvaluations(change);
        if (this.mustHalt()) this.scope?.cancel();
      },
      stopWhen: train.stopWhen,
      carried: carried && carriedEvaluations(carried),
    });
  }

  /** For a training that has no run to report to. */
  get progress(): TrainingProgress {
    const { state, attention, last } = this;
    const { convergence, curve, gaps, finished } = this.evaluations;
    const { targetKimg } = this.directive;
    const { best } = convergence;
    return {
      state,
      attention,
      kimg: last?.kimg ?? 0,
      targetKimg,
      last,
      best,
      evaluated: finished,
      curve,
      gaps,
    };
  }

  onDirective(directive: TrainDirective): void {
    this.directive = directive;
    if (this.mustHalt()) this.scope?.cancel();
  }

  /** Snapshots may be announced more than once: by every attempt that finds them. */
  onSnapshots(refs: CheckpointRef[]): void {
    // A trainer announces snapshots once it has found that the checkpoints are its own.
    this.isVerified = true;
    for (const ref of refs) {
      if (this.last === null || ref.step > this.last.step) this.last = ref;
      if (ref.step <= this.settledStep || this.snapshots.some((known) => known.prefix === ref.prefix))
        continue;
      this.snapshots.push(ref);
    }
    this.evaluateNew();
    this.forgetSettled();
    if (this.mustHalt()) this.scope?.cancel();
  }

  /** A history carries a bounded number of snapshots; the store lists all. */
  private forgetSettled(): void {
    if (this.snapshots.length <= MOST_SNAPSHOTS) return;
    const bestKimg = this.evaluations.convergence.best?.kimg;
    const old = this.snapshots.sort((a, b) => a.step - b.step).slice(0, -RECENT_SNAPSHOTS);
    this.settledStep = old.at(-1)?.step ?? this.settledStep;
    const kept = old.filter((ref) => ref.kimg === bestKimg || this.evaluations.isOpen(ref));
    this.snapshots = [...kept, ...this.snapshots.slice(-RECENT_SNAPSHOTS)];
  }

  async run(): Promise<TrainResult> {
    if (!this.input.carried) await this.readRecord();
    this.evaluateNew();
    for (;;) {
      if (this.directive.paused && !this.endReason()) await this.waitWhilePaused();
      const endReason = this.endReason();
      if (endReason && (await this.staysEnded(endReason))) return this.finish(endReason);
      await this.runTrainActivity();
      if (historyIsLong(this.input.historyEvents) && !this.endReason()) await this.continueWithNewHistory();
    }
  }

  /** An earlier execution of the run may have trained and evaluated already. */
  private async readRecord(): Promise<void> {
    const { runId, dataset, train } = this.input;
    const record = await this.attend(() => this.steady.trainingRecord({ runId, dataset, train }));
    this.evaluations.restore(record.head ?? { ...new CurveHead(null).carried, points: record.curve });
    this.settledStep = record.settledStep ?? this.settledStep;
    this.expected = record.last;
    // A training that the user has stopped is not started again.
    if (this.directive.stop) this.last = record.last;
    this.snapshots.push(...record.snapshots);
  }

  /** Repeats work until it succeeds, or fails with a failure that ends the training. */
  private async attend<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        const attention = attentionAfter(error, 'train');
        if (!attention) throw error;
        await this.park(attention);
      }
    }
  }

  private async runTrainActivity(): Promise<void> {
    this.state = 'running';
    await this.report();
    this.scope = new CancellationScope();
    const activity = this.scope.run(() => this.startTrainActivity());
    if (this.mustHalt()) this.scope.cancel();
    try {
      const outcome = await activity;
      this.isVerified = true;
      this.last = outcome.last ?? this.last;
      this.transfer = outcome.transfer ?? this.transfer;
      this.resumption = outcome.resumption ?? this.resumption;
      this.onSnapshots(outcome.snapshots);
    } catch (error) {
      await this.onTrainFailure(error);
    } finally {
      this.scope = undefined;
    }
    if (CancellationScope.current().consideredCancelled)
      throw new CancelledFailure('The training was cancelled');
  }

  private startTrainActivity() {
    const { runId, dataset, train } = this.input;
    const { parent } = workflowInfo();
    const expected = this.last ?? this.expected;
    const trainer = proxyActivities<TrainActivities>({
      ...TRAINING,
      ...placeInQueue({ hasBegun: expected !== null || this.isVerified, isOverdue: this.isOverdue }),
      summary: `training of ${runId}`,
      taskQueue: this.input.taskQueues.gpu,
    });
    return trainer.train({
      runId,
      dataset,
      train,
      targetKimg: this.directive.targetKimg,
      announced: this.snapshots.reduce((newest, { step }) => Math.max(newest, step), 0),
      expected,
      parent: parent?.workflowId ?? null,
    });
  }

  /** @throws the failure, when it ends the training */
  private async onTrainFailure(error: unknown): Promise<void> {
    if (hasWaitedLong(error)) {
      this.isOverdue = true;
      return;
    }
    if (this.isExpectedAfterHalt(error)) {
      const { runId } = this.input;
      const newest = () => this.bookkeeping.newestCheckpoint({ runId });
      this.last = (await this.attend(() => CancellationScope.nonCancellable(newest))) ?? this.last;
      return;
    }
    const attention = attentionAfter(error, 'train');
    if (!attention) throw error;
    await this.park(attention);
  }

  /** Waits with everything kept until the user resumes the run, or ends the training. */
  private async park(attention: Attention): Promise<void> {
    const { resumptions } = this.directive;
    this.attention = attention;
    await this.report();
    void notify(this.input.runId, attention);
    await condition(() => this.directive.resumptions > resumptions || this.endReason() !== null);
    this.attention = null;
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
    return this.directive.paused || this.endReason() !== null || historyIsLong(this.input.historyEvents);
  }

  private endReason(): TrainResult['ended'] | null {
    if (!this.isVerified && !this.directive.stop) return null;
    // Whole images, as the trainer counts: a target may lie between two of them.
    const images = (kimg: number) => Math.round(kimg * 1000);
    if (this.last && images(this.last.kimg) >= images(this.directive.targetKimg)) return 'complete';
    if (this.directive.stop) return 'stopped';
    if (this.evaluations.convergence.converged) return 'converged';
    return null;
  }

  private async waitWhilePaused(): Promise<void> {
    this.state = 'paused';
    await this.report();
    await condition(() => !this.directive.paused || this.endReason() !== null);
  }

  private evaluateNew(): void {
    if (this.input.train.snapshotMetrics.length > 0) this.evaluations.add(this.snapshots);
  }

  /**
   * Waits for evaluations, as long as one ends from time to time. An extension may arrive
   * meanwhile: then the training continues.
   */
  private async staysEnded(endReason: TrainResult['ended']): Promise<boolean> {
    const isExtended = () => endReason === 'complete' && this.endReason() !== 'complete';
    await this.report();
    while (!this.evaluations.isIdle && !isExtended()) {
      const { finished } = this.evaluations;
      const moves = () => this.evaluations.isIdle || this.evaluations.finished > finished || isExtended();
      if (!(await condition(moves, LAST_EVALUATIONS))) {
        this.evaluations.abandon('the training had ended');
        break;
      }
    }
    return !isExtended();
  }

  private async finish(endReason: TrainResult['ended']): Promise<TrainResult> {
    const last = this.last;
    if (!last)
      throw ApplicationFailure.nonRetryable(
        'The training was stopped before its first checkpoint.',
        'RunError',
      );
    await this.flushEvaluations();
    const { best } = this.evaluations.convergence;
    const checkpoint = this.snapshots.find((snapshot) => snapshot.kimg === best?.kimg) ?? last;
    const { transfer } = this;
    const { curve, gaps } = this.evaluations;
    return { stage: 'train', checkpoint, last, ended: endReason, curve, gaps, ...(transfer && { transfer }) };
  }

  /** Evaluations in progress start again in the new history. */
  private async continueWithNewHistory(): Promise<never> {
    await this.flushEvaluations();
    const { snapshots, settledStep, last, reports, transfer } = this;
    const evaluations = this.evaluations.carried;
    return continueAsNew<typeof trainUntilConverged>({
      ...this.input,
      directive: this.directive,
      carried: { snapshots, settledStep, evaluations, last, reports, ...(transfer && { transfer }) },
    });
  }

  /**
   * Each of the first evaluations by itself, then so many together that a report has at least 1 %
   * of all: the server takes 10,000 signals in a history.
   */
  private async reportEvaluations({ points = [], gaps = [] }: Pick<TrainReport, 'points' | 'gaps'>) {
    const { unreported } = this;
    unreported.points.push(...points);
    unreported.gaps.push(...gaps);
    this.evaluationsUnreported++;
    if (this.evaluationsUnreported >= this.evaluations.finished / 100) await this.flushEvaluations();
  }

  private async flushEvaluations(): Promise<void> {
    if (this.evaluationsUnreported === 0) return;
    this.evaluationsUnreported = 0;
    const { points, gaps } = this.unreported;
    this.unreported = { points: [], gaps: [] };
    await this.report({ ...(points.length > 0 && { points }), ...(gaps.length > 0 && { gaps }) });
  }

  private async report(change: Pick<TrainReport, 'points' | 'gaps'> = {}): Promise<void> {
    const { state, attention, resumption, last: lastCheckpoint } = this;
    setCurrentDetails(attention ? `needs attention: ${attention.message}` : state);
    const { parent } = workflowInfo();
    if (!parent) return;
    const report: TrainReport = {
      serial: ++this.reports,
      state,
      targetKimg: this.directive.targetKimg,
      lastCheckpoint,
      attention,
      resumption,
      ...change,
    };
    // A run that has ended takes no reports: its training ends by itself.
    await getExternalWorkflowHandle(parent.workflowId)
      .signal(trainReportSignal, report)
      .catch(() => undefined);
  }
}

/** What earlier versions carry as they carried it. */
function carriedEvaluations({ evaluations, curve = [], gaps = [] }: CarriedTraining): CarriedEvaluations {
  if (evaluations) return evaluations;
  const head = { ...new CurveHead(null).carried, points: curve };
  return { curve: head, gaps, finished: curve.length + gaps.length };
}
