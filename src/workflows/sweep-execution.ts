/**
 * The runs of a sweep: each is a pipeline, a bounded number of them at a time. What one of them
 * does never ends another.
 */
import {
  ApplicationFailure,
  allHandlersFinished,
  CancellationScope,
  ChildWorkflowCancellationType,
  condition,
  isCancellation,
  ParentClosePolicy,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  startChild,
  upsertMemo,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { SweepActivities } from '../activities/sweep.js';
import type { Attention, ControlReply } from '../spec/controls.js';
import type { PipelineSpec } from '../spec/pipeline.js';
import {
  MAX_FAIRNESS_KEY,
  type RunOfSweep,
  runName,
  SWEEP_PRIORITY_KEY,
  type SweepProgress,
  type SweepResult,
  type SweepRun,
} from '../spec/sweep.js';
import { attentionAfter, failureType, notify, reasonOf } from './attention.js';
import { gistPipeline } from './gist-pipeline.js';
import { historyIsLong } from './history.js';
import { resumeUpdate, retryRunsUpdate, sweepProgressQuery } from './messages.js';
import { BOOKKEEPING, LAST_WORK, STEADY_WORK } from './policies.js';

/** What a kind of sweep decides. */
export interface SweepPlan<Point> {
  name: string;
  parallel: number;
  hasSearchAttributes: boolean;
  /** Runs as an earlier history left them. */
  runs?: SweepRun<Point>[];
  /** The first runs. */
  points: readonly Point[];
  runOf: (point: Point) => RunOfSweep<Point>;
  specOf: (point: Point) => PipelineSpec;
  /** What a run continues from; it waits for it if that is a run of the sweep. */
  dependsOn?: (point: Point) => string | null;
  /** Runs that follow from those that have ended; they start before the others. */
  following?: (runs: readonly SweepRun<Point>[]) => Point[];
  /** History events after which it continues as new. */
  historyEvents?: number;
}

/** Length of the reason of a failure, which progress and history carry for every run. */
const MAX_REASON = 300;
/** Between two looks at a run that somebody else has started under the same id. */
const TAKEN = '1 minute';

export class SweepExecution<Point> {
  readonly sweepId = workflowInfo().workflowId;
  private readonly workflow = workflowInfo().workflowType;
  private plan: SweepPlan<Point> | null = null;
  private runs: SweepRun<Point>[] = [];
  private running = 0;
  private state: SweepProgress['state'] = 'starting';
  private attention: Attention | null = null;
  private resumptions = 0;
  private isCancelled = false;
  private readonly steady = proxyActivities<SweepActivities>(STEADY_WORK);
  private readonly bookkeeping = proxyActivities<SweepActivities>(BOOKKEEPING);
  private readonly parting = proxyActivities<SweepActivities>(LAST_WORK);

  listen(): void {
    setHandler(sweepProgressQuery, () => this.progress());
    setHandler(resumeUpdate, () => this.resume());
    setHandler(retryRunsUpdate, () => this.retry(), { validator: () => this.refuseOutsideOfRuns() });
  }

  /** Repeats work of bookkeeping until it succeeds, or fails with what no user can mend. */
  async attend<T>(work: (activities: SweepActivities) => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work(this.bookkeeping);
      } catch (error) {
        const attention = attentionAfter(error, null);
        if (!attention) throw error;
        await this.park(attention);
      }
    }
  }

  /**
   * Runs everything, and writes the report.
   *
   * @param specOf the spec of the sweep, which updates change
   * @returns null when it must continue as new
   */
  async conduct(plan: SweepPlan<Point>, specOf: () => object): Promise<SweepResult | null> {
    this.plan = plan;
    this.runs = plan.runs ?? [];
    this.state = 'running';
    this.show();
    await this.add(specOf(), plan.points);
    for (;;) {
      await this.untilIdle();
      const following = this.following();
      if (this.isFull && (this.hasWaiting || following.length > 0)) return null;
      if (following.length > 0) {
        await this.reporting(() => this.add(specOf(), following));
        continue;
      }
      const result = await this.finish();
      // Runs may have been added, or retried, while the report was written.
      await condition(allHandlersFinished);
      if (this.isBusy) continue;
      this.state = 'done';
      this.show();
      return result;
    }
  }

  private get isDone(): boolean {
    return this.state === 'done';
  }

  /** Updates that change runs need them. */
  refuseOutsideOfRuns(): void {
    if (!this.plan) refuse('the sweep is still starting; try again in a moment');
    if (this.isDone) refuse('the sweep has ended');
  }

  /** Adds runs; those that an earlier execution or sweep has finished are not run again. */
  async add(spec: object, points: readonly Point[]): Promise<void> {
    const added = points.map((point) => this.required().runOf(point));
    const { sweepId, workflow } = this;
    const finished = await this.attend(() =>
      this.steady.findSweepRuns({ sweepId, workflow, spec, runs: added }),
    );
    const known = new Set(this.runs.map(runName));
    const values = new Map(finished.map((run) => [runName(run), run.value]));
    for (const run of added) {
      const name = runName(run);
      if (known.has(name)) continue;
      const isFinished = values.has(name);
      this.runs.push({
        ...run,
        ...(isFinished ? { state: 'done', value: values.get(name) } : { state: 'waiting' }),
      });
    }
    this.start();
  }

  /** Waits until all runs have ended, others follow from them, or this history must end. */
  private async untilIdle(): Promise<void> {
    const isIdle = () => this.running === 0 && (this.isFull || !this.hasWaiting);
    const isReady = () => isIdle() || (!this.isFull && this.following().length > 0);
    await this.reporting(() => condition(isReady));
  }

  /** A sweep that is cancelled meanwhile ends with a report. */
  private async reporting(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!isCancellation(error)) throw error;
      await CancellationScope.nonCancellable(() => this.afterCancellation());
      throw error;
    }
  }

  private following(): Point[] {
    return this.plan?.following?.(this.runs) ?? [];
  }

  /** The report over what has finished. */
  private async finish(): Promise<SweepResult> {
    this.state = 'finishing';
    const { report, answer } = await this.attend(() => this.analyze(this.steady));
    const runs: SweepResult['runs'] = {};
    for (const { state } of this.runs) runs[state] = (runs[state] ?? 0) + 1;
    return { sweepId: this.sweepId, runs, report, answer };
  }

  /** Whether the history must end: no run starts any more in this one. */
  private get isFull(): boolean {
    return historyIsLong(this.plan?.historyEvents);
  }

  private get hasWaiting(): boolean {
    return this.runs.some(({ state }) => state === 'waiting');
  }

  private get isBusy(): boolean {
    return this.running > 0 || this.hasWaiting;
  }

  /** What the next history needs. */
  get carried(): SweepRun<Point>[] {
    return this.runs;
  }

  private required(): SweepPlan<Point> {
    if (!this.plan) throw new Error('the sweep has not begun');
    return this.plan;
  }

  private start(): void {
    const { parallel } = this.required();
    while (this.running < parallel && !this.isFull && !this.isCancelled) {
      const next = this.nextRun();
      if (!next) break;
      // It may have been finishing.
      this.state = 'running';
      this.running++;
      next.state = 'running';
      void this.perform(next).finally(() => {
        this.running--;
        this.start();
        this.show();
      });
    }
  }

  /**
   * The first run that waits for no other one, of those that follow from others if there are any;
   * runs that cannot start any more fail on the way.
   */
  private nextRun(): SweepRun<Point> | undefined {
    // Those of longer trainings follow from shorter ones; others have no such length.
    const ordered = this.plan?.following ? [...this.runs].sort(byLength) : this.runs;
    for (const run of ordered) {
      if (run.state !== 'waiting') continue;
      const needed = this.plan?.dependsOn?.(run.point);
      const state = this.runs.find(({ runId }) => runId === needed)?.state ?? 'done';
      if (state === 'done') return run;
      if (state === 'failed' || state === 'unavailable')
        Object.assign(run, { state: 'failed', reason: `the run ${needed} that it continues from failed` });
    }
    return undefined;
  }

  private async perform(run: SweepRun<Point>): Promise<void> {
    const { sweepId, workflow } = this;
    try {
      await this.runChild(run);
      const { runId, point, rungKimg } = run;
      const record = { sweepId, workflow, runId, point, ...(rungKimg !== undefined && { rungKimg }) };
      const { value } = await this.attend((activities) => activities.recordSweepRun(record));
      Object.assign(run, { state: 'done', value, reason: undefined });
    } catch (error) {
      if (this.isCancelled || CancellationScope.current().consideredCancelled) run.state = 'waiting';
      else {
        const state = failureType(error) === 'TooFewImagesError' ? 'unavailable' : 'failed';
        Object.assign(run, { state, reason: reasonOf(error).slice(0, MAX_REASON) });
      }
    }
  }

  /** A run that is running already, as after `gist retry` of it, is waited for. */
  private async runChild({ runId, point }: SweepRun<Point>): Promise<void> {
    const spec = this.required().specOf(point);
    for (;;) {
      try {
        const child = await startChild(gistPipeline, {
          workflowId: runId,
          args: [spec],
          memo: { name: spec.name, stage: 'starting' },
          staticSummary: `${spec.name}, a run of the sweep ${this.sweepId}`,
          priority: {
            priorityKey: SWEEP_PRIORITY_KEY,
            fairnessKey: this.sweepId.slice(0, MAX_FAIRNESS_KEY),
          },
          parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
          cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
        });
        await child.result();
        return;
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
        await sleep(TAKEN);
      }
    }
  }

  /** Trainings write their last checkpoints; then there is a report of what had finished. */
  private async afterCancellation(): Promise<void> {
    this.isCancelled = true;
    await condition(() => this.running === 0);
    await this.analyze(this.parting).catch(() => undefined);
  }

  private analyze({ analyzeSweep }: Pick<SweepActivities, 'analyzeSweep'>) {
    const { sweepId, workflow } = this;
    const failed = this.runs.filter(({ state }) => state !== 'done');
    const missing = failed.map(({ state, reason, ...run }) => ({ runId: runName(run), state, reason }));
    return analyzeSweep({ sweepId, workflow, missing });
  }

  private async park(attention: Attention): Promise<void> {
    const { resumptions } = this;
    if (!this.attention) void notify(this.sweepId, attention);
    this.attention = attention;
    this.show();
    await condition(() => this.resumptions > resumptions);
  }

  private resume(): ControlReply {
    if (!this.attention) return { changed: false, message: 'Was not paused; it is running.' };
    this.attention = null;
    this.resumptions++;
    this.show();
    return { changed: true, message: 'Trying again, with everything kept.' };
  }

  private retry(): ControlReply {
    const missing = this.runs.filter(({ state }) => state === 'failed' || state === 'unavailable');
    for (const run of missing) Object.assign(run, { state: 'waiting', reason: undefined });
    if (missing.length === 0) return { changed: false, message: 'No run of the sweep has failed.' };
    this.start();
    this.show();
    return { changed: true, message: `${missing.length} runs that had failed start again.` };
  }

  private progress(): SweepProgress<Point> {
    const { sweepId, workflow, attention, runs } = this;
    const state = attention ? 'needs-attention' : this.state;
    return { sweepId, workflow, name: this.plan?.name ?? '', state, attention, runs };
  }

  /** In Temporal's lists and UI. */
  private show(): void {
    if (!this.plan) return;
    const { name, hasSearchAttributes } = this.plan;
    const ended = this.runs.filter(({ state }) => state !== 'waiting' && state !== 'running').length;
    const stage = this.isDone ? 'done' : `${ended} of ${this.runs.length} runs`;
    const { state } = this.progress();
    setCurrentDetails(this.attention ? `${state}: ${this.attention.message}` : stage);
    upsertMemo({ name, stage });
    if (hasSearchAttributes)
      upsertSearchAttributes({ gistName: [name], gistState: [state], gistStage: ['sweep'] });
  }
}

function byLength(a: RunOfSweep, b: RunOfSweep): number {
  return (b.rungKimg ?? 0) - (a.rungKimg ?? 0);
}

export function refuse(why: string): never {
  throw ApplicationFailure.nonRetryable(`Refused: ${why}.`, 'RunError');
}
