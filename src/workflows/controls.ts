/** Updates of a running pipeline by its user: pause, resume, stop, extend. */
import {
  ApplicationFailure,
  CancellationScope,
  type ChildWorkflowHandle,
  condition,
  getExternalWorkflowHandle,
  isCancellation,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { RecordedDirective, RunActivities } from '../activities/run.js';
import {
  type Attention,
  type ControlReply,
  type ExtendTrainingInput,
  extendTrainingSchema,
} from '../spec/controls.js';
import type { PipelineSpec } from '../spec/pipeline.js';
import type { TrainResult } from '../spec/results.js';
import { attentionAfter, notify } from './attention.js';
import { historyIsLong } from './history.js';
import {
  directiveSignal,
  extendTrainingUpdate,
  pauseUpdate,
  progressQuery,
  resumeUpdate,
  stopShardsSignal,
  stopTrainingUpdate,
  type TrainDirective,
  trainReportSignal,
} from './messages.js';
import type { processShards } from './process-shards.js';
import { BOOKKEEPING } from './policies.js';
import { ProgressTracker } from './progress-tracker.js';
import type { trainUntilConverged } from './train-until-converged.js';

/**
 * How long `pause` waits for the trainer's checkpoint before it replies that pausing is in
 * progress.
 */
const PAUSE_TIMEOUT = '90 seconds';

/** What updates have changed, for the execution that continues a run. */
export interface CarriedControls {
  paused: boolean;
  stopped: boolean;
  targetKimg: number;
  resumptions: number;
}

/** Thrown when the training has ended only because the history of its run must. */
export class HistoryEnds extends Error {}

export class RunControls {
  readonly tracker: ProgressTracker;
  private paused = false;
  private stopped = false;
  private resumptions = 0;
  private hasBegun = false;
  private hasTrained = false;
  private targetKimg = 0;
  private specKimg = 0;
  private training: ChildWorkflowHandle<typeof trainUntilConverged> | null = null;
  private shards: ChildWorkflowHandle<typeof processShards> | null = null;
  private attention: Attention | null = null;
  private readonly bookkeeping = proxyActivities<RunActivities>(BOOKKEEPING);

  constructor(private readonly runId: string) {
    this.tracker = new ProgressTracker(runId);
  }

  listen(): void {
    setHandler(progressQuery, () => this.tracker.current(this.paused));
    setHandler(trainReportSignal, (report) => {
      // One that an earlier history has ended may still be heard in this one.
      const continues = workflowInfo().continuedFromExecutionRunId !== undefined;
      if (this.tracker.trains || this.hasTrained) this.tracker.onTrainReport(report);
      else if (!continues) void this.endStrayTraining();
      this.show();
    });
    const validator = () => this.refuseAfterEnd();
    setHandler(pauseUpdate, () => this.pause(), { validator });
    setHandler(resumeUpdate, () => this.resume(), { validator });
    setHandler(stopTrainingUpdate, () => this.stopTraining(), { validator: () => this.validateStop() });
    setHandler(extendTrainingUpdate, (input) => this.extend(input), {
      validator: (input) => this.validateExtension(input),
    });
  }

  /** @param earlier what updates had changed in an earlier execution of the run; null: nothing */
  begin({ train }: PipelineSpec, earlier: RecordedDirective | null, carried?: CarriedControls): void {
    this.hasBegun = true;
    this.specKimg = train.kimg;
    this.targetKimg = carried?.targetKimg ?? earlier?.targetKimg ?? train.kimg;
    this.stopped = carried?.stopped ?? earlier?.stop ?? false;
    this.paused ||= carried?.paused ?? false;
    this.resumptions += carried?.resumptions ?? 0;
  }

  get carried(): CarriedControls {
    const { paused, stopped, targetKimg, resumptions } = this;
    return { paused, stopped, targetKimg, resumptions };
  }

  directive(): TrainDirective {
    const { paused, stopped: stop, targetKimg, resumptions } = this;
    return { paused, stop, targetKimg, resumptions };
  }

  get isPaused(): boolean {
    return this.paused;
  }

  /** Whether no update made the training shorter or longer than the spec. */
  matchesSpec({ ended }: TrainResult): boolean {
    return ended !== 'stopped' && this.targetKimg === this.specKimg;
  }

  async waitWhilePaused(): Promise<void> {
    this.show();
    await condition(() => !this.paused);
  }

  /**
   * Does a piece of work. After a failure that parks the run it waits for the user, then does the
   * work again.
   */
  async attend<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await this.tracker.working(work);
      } catch (error) {
        const attention = attentionAfter(error, this.tracker.currentStage);
        if (!attention) throw error;
        await this.park(attention);
      }
    }
  }

  /**
   * Sends the user's updates to a training while it runs.
   *
   * @param historyEvents history events of the run after which it ends the training, which the next
   *   history resumes from the last checkpoint
   * @throws HistoryEnds
   */
  async whileTraining(
    child: ChildWorkflowHandle<typeof trainUntilConverged>,
    historyEvents?: number,
  ): Promise<TrainResult> {
    this.training = child;
    this.tracker.startTraining(child.workflowId, this.targetKimg);
    // No signal has carried an update yet that arrived while the child was starting.
    await this.sendDirective();
    try {
      const result = child.result();
      // Handled below, also when it fails while the history is looked at.
      result.catch(() => undefined);
      let hasEnded = false;
      const end = () => {
        hasEnded = true;
      };
      result.then(end, end);
      // A run that is cancelled waits for the last checkpoint.
      await CancellationScope.nonCancellable(() => condition(() => hasEnded || historyIsLong(historyEvents)));
      if (!hasEnded) await this.endForHistory(child, result);
      return await result;
    } finally {
      this.training = null;
      this.hasTrained = true;
      this.tracker.endTraining();
    }
  }

  private async endForHistory(
    child: ChildWorkflowHandle<typeof trainUntilConverged>,
    result: Promise<TrainResult>,
  ): Promise<void> {
    await getExternalWorkflowHandle(child.workflowId)
      .cancel()
      .catch(() => undefined);
    await result.then(
      () => undefined,
      (error: unknown) => {
        if (isCancellation(error) && !CancellationScope.current().consideredCancelled)
          throw new HistoryEnds();
      },
    );
  }

  /** Stops a range of shards early when the user pauses the run. */
  async whileShards(child: ChildWorkflowHandle<typeof processShards>): Promise<number> {
    this.shards = child;
    // A range that has just ended takes no signal; its result follows.
    if (this.paused) await child.signal(stopShardsSignal).catch(() => undefined);
    try {
      return await child.result();
    } finally {
      this.shards = null;
    }
  }

  private async park(attention: Attention): Promise<void> {
    const { resumptions } = this;
    if (!this.attention) {
      this.attention = attention;
      this.tracker.attend(attention);
      this.show();
      void notify(this.runId, attention);
    }
    await condition(() => this.resumptions > resumptions);
  }

  /** So that an execution of the run that continues it keeps them; a run does not wait for this. */
  private recordDirective(): void {
    const { stopped: stop, targetKimg, runId } = this;
    void this.bookkeeping.recordDirective({ runId, stop, targetKimg }).catch(() => undefined);
  }

  /** A training that this execution of the run has not started, as after a reset. */
  private async endStrayTraining(): Promise<void> {
    const training = getExternalWorkflowHandle(`${this.runId}/train`);
    await training.cancel().catch(() => undefined);
  }

  private show(): void {
    this.tracker.show(this.paused);
  }

  private async sendDirective(): Promise<void> {
    // A training that has just ended takes no signal; its result follows.
    await this.training?.signal(directiveSignal, this.directive()).catch(() => undefined);
  }

  private async pause(): Promise<ControlReply> {
    const changed = !this.paused;
    this.paused = true;
    this.show();
    if (changed) await this.sendDirective();
    if (changed) await this.shards?.signal(stopShardsSignal).catch(() => undefined);
    const isOver = () => this.tracker.isQuiet || this.tracker.isDone || !this.paused;
    const isPaused = await condition(isOver, PAUSE_TIMEOUT);
    this.show();
    if (this.tracker.isDone) return { changed, message: 'The run ended before it could pause.' };
    if (!this.paused) return { changed, message: 'It was resumed meanwhile.' };
    if (!isPaused) return { changed, message: 'Pausing: the work in progress is not finished yet.' };
    const at = this.tracker.trains ? this.tracker.train?.lastCheckpoint : null;
    return {
      changed,
      message: `${changed ? 'Paused' : 'Was paused already'}${at ? ` at ${at.kimg} kimg, checkpoint ${at.prefix}` : ''}; the device is free.`,
    };
  }

  private async resume(): Promise<ControlReply> {
    const parked = this.attention !== null || this.tracker.trainNeedsAttention;
    if (!this.paused && !parked) return { changed: false, message: 'Was not paused; it is running.' };
    this.paused = false;
    this.resumptions++;
    this.attention = null;
    this.tracker.attend(null);
    this.tracker.trainResumes();
    this.show();
    await this.sendDirective();
    return {
      changed: true,
      message: parked ? 'Trying again, with everything kept.' : 'Resumed from where it was paused.',
    };
  }

  private async stopTraining(): Promise<ControlReply> {
    if (this.stopped) return { changed: false, message: 'Was stopping already.' };
    this.stopped = true;
    this.recordDirective();
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
    if (this.tracker.train) this.tracker.train.targetKimg = kimg;
    this.recordDirective();
    await this.sendDirective();
    return { changed: true, message: `Training continues to ${kimg} kimg.` };
  }

  private refuseAfterEnd(): void {
    if (this.tracker.isDone) refuse('the run has ended');
  }

  private refuseAfterTraining(control: string): void {
    this.refuseAfterEnd();
    const train = this.tracker.stateOf('train');
    if (train === 'skipped') refuse(`${control} needs a run with stage "train"`);
    const hasEnded = this.hasTrained || train === 'done' || train === 'reused';
    if (hasEnded && !this.stopped) refuse('the training has ended');
  }

  private validateStop(): void {
    this.refuseAfterTraining('stopTraining');
    if (this.tracker.stateOf('train') === 'waiting')
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
    if (!this.hasBegun) refuse('the run is still starting; try again in a moment');
    if (this.stopped) refuse('the training is stopping');
  }
}

function refuse(why: string): never {
  throw ApplicationFailure.nonRetryable(`Refused: ${why}.`, 'RunError');
}
