/** What a training has achieved over all attempts of its activity, kept in its heartbeats. */
import { Context } from '@temporalio/activity';
import { type TrainHeartbeat, WAITING_FOR_ROOM } from '../../spec/controls.js';
import type { CheckpointRef } from '../../spec/results.js';
import type { TrainerEvent } from '../../training/index.js';
import { continueCount, forgiveAttempt, recordProgress } from '../attempt-count.js';

/** The supervisor finds a trainer that hangs; heartbeats only show that the worker lives. */
const INTERVAL_MS = 10_000;
/** Steps that take longer than this are told from stopped ones by the steps before. */
const STOPPED_MS = 30_000;
/** Heartbeats are small. */
const MAX_MESSAGE_LENGTH = 800;

export class TrainProgress {
  readonly heartbeat: TrainHeartbeat;
  private readonly context = Context.current();
  private steppedAt: number;
  /** Between the last two reports of another step. */
  private betweenStepsMs = 0;

  /** @param expected the newest checkpoint that the workflow knows of */
  constructor(
    expected: CheckpointRef | null,
    private readonly now = () => performance.now(),
  ) {
    this.steppedAt = now();
    const { info } = this.context;
    const previous = info.heartbeatDetails as TrainHeartbeat | undefined;
    const known = [expected, previous?.checkpoint].flatMap((checkpoint) => checkpoint ?? []);
    const checkpoint = known.sort((a, b) => b.step - a.step)[0] ?? null;
    this.heartbeat = {
      kimg: checkpoint?.kimg ?? 0,
      step: checkpoint?.step ?? 0,
      highestStep: Math.max(previous?.highestStep ?? 0, checkpoint?.step ?? 0),
      imagesPerSecond: 0,
      operation: null,
      storage: null,
      checkpoint,
      resumption: null,
      ...continueCount(info),
    };
  }

  /** @returns what ends them */
  startHeartbeats(): () => void {
    this.beat();
    const timer = setInterval(() => this.beat(), INTERVAL_MS);
    return () => clearInterval(timer);
  }

  private beat(): void {
    this.heartbeat.atMs = Date.now();
    this.context.heartbeat(this.heartbeat);
  }

  record(event: TrainerEvent): void {
    const { heartbeat } = this;
    if (event.type === 'started')
      heartbeat.resumption = { from: event.resumedFrom, warnings: event.warnings };
    if (event.type === 'alive') {
      heartbeat.operation = event.operation;
      if (this.hasStopped() || event.operation === WAITING_FOR_ROOM) heartbeat.imagesPerSecond = 0;
    }
    if (event.type === 'progress') {
      const { kimg, step, imagesPerSecond } = event;
      this.noteStep(step);
      Object.assign(heartbeat, { kimg, step, imagesPerSecond });
      if (step > heartbeat.highestStep) {
        heartbeat.highestStep = step;
        recordProgress(heartbeat);
      }
    }
    if (event.type === 'storage') heartbeat.storage = event.message?.slice(0, MAX_MESSAGE_LENGTH) ?? null;
    if (event.type === 'checkpoint') heartbeat.checkpoint = event.checkpoint;
    this.beat();
  }

  private noteStep(step: number): void {
    if (step === this.heartbeat.step) return;
    const now = this.now();
    this.betweenStepsMs = now - this.steppedAt;
    this.steppedAt = now;
    this.heartbeat.operation = 'training';
  }

  /** Whether steps no longer end as they did: a rate would be one of the past. */
  private hasStopped(): boolean {
    const limitMs = Math.max(STOPPED_MS, 3 * this.betweenStepsMs);
    return this.now() - this.steppedAt > limitMs;
  }

  /** See {@link forgiveAttempt}. */
  forgiveAttempt(): void {
    forgiveAttempt(this.heartbeat);
    this.beat();
  }
}
