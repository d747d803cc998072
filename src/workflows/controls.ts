/** Queries and updates of a running pipeline, and the state behind them. */
import { type ChildWorkflowHandle, condition, setHandler, ApplicationFailure } from '@temporalio/workflow';
import {
  type ControlReply,
  type ExtendTrainingInput,
  extendTrainingSchema,
  type RunProgress,
} from '../spec/controls.js';
import { type PipelineSpec, type Stage, STAGES } from '../spec/pipeline.js';
import type { TrainResult } from '../spec/results.js';
import {
  extendTrainingUpdate,
  pauseUpdate,
  progressQuery,
  resumeUpdate,
  stopTrainingUpdate,
  type TrainReport,
  type TrainDirective,
  trainReportSignal,
  directiveSignal,
} from './messages.js';
import type { trainUntilConverged } from './train-until-converged.js';

/**
 * How long `pause` waits for the trainer's checkpoint before it replies that pausing is in
 * progress.
 */
const PAUSE_TIMEOUT = '90 seconds';

export class RunControls {
  readonly trainWorkflowId: string;
  private paused = false;
  private stopped = false;
  private targetKimg: number;
  private stage: Stage | null = null;
  private child: ChildWorkflowHandle<typeof trainUntilConverged> | null = null;
  private trainState: TrainReport['state'] = 'running';
  private newestReport = 0;
  private readonly progress: RunProgress;

  constructor(
    runId: string,
    private readonly spec: PipelineSpec,
  ) {
    this.trainWorkflowId = `${runId}/train`;
    this.targetKimg = spec.train.kimg;
    const state = (stage: Stage) => (spec.stages.includes(stage) ? 'waiting' : 'left-out');
    this.progress = {
      runId,
      name: spec.name,
      state: 'running',
      stages: Object.fromEntries(STAGES.map((stage) => [stage, state(stage)])) as RunProgress['stages'],
      done: 0,
      total: 0,
      unit: 'shards',
      attention: null,
      train: null,
    };
  }

  listen(): void {
    setHandler(progressQuery, () => this.currentProgress());
    setHandler(trainReportSignal, (report) => this.onTrainReport(report));
    setHandler(pauseUpdate, () => this.pause(), { validator: () => this.refuseAfterEnd() });
    setHandler(resumeUpdate, () => this.resume(), { validator: () => this.refuseAfterEnd() });
    setHandler(stopTrainingUpdate, () => this.stopTraining(), {
      validator: () => this.validateStop(),
    });
    setHandler(extendTrainingUpdate, (input) => this.extend(input), {
      validator: (input) => this.validateExtension(input),
    });
  }

  directive(): TrainDirective {
    return { paused: this.paused, stop: this.stopped, targetKimg: this.targetKimg };
  }

  /** Whether no update made the training shorter or longer than the spec. */
  matchesSpec({ ended }: TrainResult): boolean {
    return ended !== 'stopped' && this.targetKimg === this.spec.train.kimg;
  }

  async waitWhilePaused(): Promise<void> {
    await condition(() => !this.paused);
  }

  startStage(stage: Stage): void {
    this.stage = stage;
    this.progress.stages[stage] = 'running';
    this.count(0, stage === 'train' ? 'kimg' : 'shards');
  }

  endStage(stage: Stage, reused: boolean): void {
    this.progress.stages[stage] = reused ? 'reused' : 'done';
  }

  count(total: number, unit: string): void {
    Object.assign(this.progress, { done: 0, total, unit });
  }

  advance(units: number): void {
    this.progress.done += units;
  }

  finish(): void {
    this.stage = null;
    this.progress.state = 'done';
  }

  /** Sends the user's updates to a training while it runs. */
  async whileTraining(child: ChildWorkflowHandle<typeof trainUntilConverged>): Promise<TrainResult> {
    this.child = child;
    this.progress.train ??= {
      workflowId: child.workflowId,
      kimg: 0,
      targetKimg: this.targetKimg,
      lastCheckpoint: null,
      curve: [],
      gaps: [],
      resumption: null,
    };
    // No signal has carried an update yet that arrived while the child was starting.
    await this.sendDirective();
    try {
      return await child.result();
    } finally {
      this.child = null;
    }
  }

  private currentProgress(): RunProgress {
    const training = this.child !== null && this.paused && this.trainState !== 'paused';
    const state =
      this.progress.state === 'done' ? 'done' : training ? 'pausing' : this.paused ? 'paused' : 'running';
    return { ...this.progress, state };
  }

  private onTrainReport(report: TrainReport): void {
    const train = this.progress.train;
    if (!train) return;
    for (const point of report.points ?? []) {
      if (!train.curve.some(({ kimg, metric }) => kimg === point.kimg && metric === point.metric))
        train.curve.push(point);
    }
    if (report.serial < this.newestReport) return;
    this.newestReport = report.serial;
    this.trainState = report.state;
    train.targetKimg = report.targetKimg;
    train.lastCheckpoint = report.lastCheckpoint ?? train.lastCheckpoint;
    train.kimg = train.lastCheckpoint?.kimg ?? 0;
  }

  private async sendDirective(): Promise<void> {
    await this.child?.signal(directiveSignal, this.directive());
  }

  private async pause(): Promise<ControlReply> {
    const changed = !this.paused;
    this.paused = true;
    if (!this.child)
      return {
        changed,
        message: `Paused; stage ${this.stage ?? 'one'} finishes the work in progress and waits.`,
      };
    if (changed) await this.sendDirective();
    const isPaused = await condition(
      () => this.trainState === 'paused' || this.child === null,
      PAUSE_TIMEOUT,
    );
    const at = this.progress.train?.lastCheckpoint;
    if (!isPaused) return { changed, message: 'Pausing: the trainer is still writing its checkpoint.' };
    return {
      changed,
      message: `${changed ? 'Paused' : 'Was paused already'}${at ? ` at ${at.kimg} kimg, checkpoint ${at.prefix}` : ''}; the device is free.`,
    };
  }

  private async resume(): Promise<ControlReply> {
    if (!this.paused) return { changed: false, message: 'Was not paused; it is running.' };
    this.paused = false;
    // Until its next report: a pause right after this must wait for a new checkpoint.
    this.trainState = 'running';
    await this.sendDirective();
    return { changed: true, message: 'Resumed from where it was paused.' };
  }

  private async stopTraining(): Promise<ControlReply> {
    if (this.stopped) return { changed: false, message: 'Was stopping already.' };
    this.stopped = true;
    await this.sendDirective();
    return {
      changed: true,
      message: 'Training ends with a checkpoint; the next stages use its best snapshot.',
    };
  }

  private async extend({ kimg }: ExtendTrainingInput): Promise<ControlReply> {
    if (kimg === this.targetKimg)
      return { changed: false, message: `Training was set to ${kimg} kimg already.` };
    this.targetKimg = kimg;
    if (this.progress.train) this.progress.train.targetKimg = kimg;
    await this.sendDirective();
    return { changed: true, message: `Training continues to ${kimg} kimg.` };
  }

  private refuseAfterEnd(): void {
    if (this.progress.state === 'done') refuse('the run has ended');
  }

  private refuseAfterTraining(control: string): void {
    this.refuseAfterEnd();
    const train = this.progress.stages.train;
    if (train === 'left-out') refuse(`${control} needs a run with stage "train"`);
    if ((train === 'done' || train === 'reused') && !this.stopped) refuse('the training has ended');
  }

  private validateStop(): void {
    this.refuseAfterTraining('stopTraining');
    if (this.progress.stages.train === 'waiting')
      refuse(
        'the training has not started, so there is no result to keep; cancel the run, or stop it once it trains',
      );
  }

  private validateExtension(input: ExtendTrainingInput): void {
    this.refuseAfterTraining('extendTraining');
    const parsed = extendTrainingSchema.safeParse(input);
    if (!parsed.success) refuse('extendTraining takes {"kimg": a positive number}');
    if (input.kimg < this.targetKimg)
      refuse(`kimg ${input.kimg} is less than the present ${this.targetKimg}; use stopTraining to end early`);
    if (this.stopped) refuse('the training is stopping');
  }
}

function refuse(why: string): never {
  throw ApplicationFailure.nonRetryable(`Refused: ${why}.`, 'RunError');
}
