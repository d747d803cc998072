/** What a training has achieved over all attempts of its activity, kept in its heartbeats. */
import { Context } from '@temporalio/activity';
import { StalledError } from '../../core/errors.js';
import { FAILURE_POLICIES } from '../../core/failure-policy.js';
import type { TrainHeartbeat } from '../../spec/controls.js';
import type { CheckpointRef } from '../../spec/results.js';
import type { TrainerEvent } from '../../training/index.js';
import type { Fruitless } from '../failures.js';

/** The supervisor finds a trainer that hangs; heartbeats only show that the worker lives. */
const INTERVAL_MS = 10_000;

export class TrainProgress {
  readonly heartbeat: TrainHeartbeat;
  /** The highest step of all attempts. */
  private highestStep: number;
  private readonly context = Context.current();

  /** @param expected the newest checkpoint that the workflow knows of */
  constructor(expected: CheckpointRef | null) {
    const { heartbeatDetails, attempt } = this.context.info;
    const previous = heartbeatDetails as TrainHeartbeat | undefined;
    const known = [expected, previous?.checkpoint].flatMap((checkpoint) => checkpoint ?? []);
    const checkpoint = known.sort((a, b) => b.step - a.step)[0] ?? null;
    this.highestStep = previous?.step ?? checkpoint?.step ?? 0;
    this.heartbeat = {
      kimg: previous?.kimg ?? checkpoint?.kimg ?? 0,
      step: this.highestStep,
      imagesPerSecond: 0,
      checkpoint,
      attempt,
      resumption: null,
      fruitlessAttempts: (previous?.fruitlessAttempts ?? 0) + 1,
      progressMs: previous?.progressMs ?? Date.now(),
    };
  }

  /** @returns what ends them */
  startHeartbeats(): () => void {
    const beat = () => this.context.heartbeat(this.heartbeat);
    beat();
    const timer = setInterval(beat, INTERVAL_MS);
    return () => clearInterval(timer);
  }

  /**
   * A worker that is killed reports no failure, so that nothing would end such attempts.
   *
   * @throws StalledError after twice the attempts that end with a failure
   */
  assertNotHopeless(): void {
    const { fruitlessAttempts } = this.heartbeat;
    if (fruitlessAttempts <= 2 * FAILURE_POLICIES.worker.attempts) return;
    throw new StalledError({
      what: `${fruitlessAttempts - 1} attempts ended without a new step, the last ones without an error: their worker was killed or lost`,
      hint: 'Look for memory pressure on the machine of the worker.',
    });
  }

  record(event: TrainerEvent): void {
    const { heartbeat } = this;
    if (event.type === 'started')
      heartbeat.resumption = { from: event.resumedFrom, warnings: event.warnings };
    if (event.type === 'progress') {
      const { kimg, step, imagesPerSecond } = event;
      Object.assign(heartbeat, { kimg, step, imagesPerSecond });
      if (step > this.highestStep) Object.assign(heartbeat, { fruitlessAttempts: 0, progressMs: Date.now() });
      this.highestStep = Math.max(this.highestStep, step);
    }
    if (event.type === 'checkpoint') heartbeat.checkpoint = event.checkpoint;
    this.context.heartbeat(heartbeat);
  }

  /** An attempt that was interrupted on request does not count as fruitless. */
  forgiveAttempt(): void {
    const { heartbeat } = this;
    heartbeat.fruitlessAttempts = Math.max(0, heartbeat.fruitlessAttempts - 1);
    this.context.heartbeat(heartbeat);
  }

  fruitless(): Fruitless {
    const { fruitlessAttempts, progressMs } = this.heartbeat;
    return { attempt: Math.max(1, fruitlessAttempts), elapsedMs: Date.now() - progressMs };
  }
}
