/** Uploads of checkpoints while training continues: in order, and no error is lost. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { reviveError, StoreUnavailableError, TrainerCrashError } from '../core/errors.js';
import { duration } from '../core/duration.js';
import { FAILURE_POLICIES } from '../core/failure-policy.js';
import type { CheckpointRef } from '../spec/results.js';
import type { ListEntry } from './list.js';
import type { Spool } from './spool.js';
import type { CapturedState } from './put-checkpoint.js';
import type { CheckpointThreadData, CheckpointThreadReply } from './upload-messages.js';
import type { CheckpointWriter } from './writer.js';

/** Events of uploads while they run. */
export type UploadEvent =
  | { type: 'checkpoint'; checkpoint: CheckpointRef; snapshot: boolean }
  | { type: 'warning'; message: string }
  /** Where checkpoints are that the store does not take; null: it takes them again. */
  | { type: 'storage'; message: string | null };

export interface UploadOptions {
  storeUri: string;
  writer: CheckpointWriter;
  spool: Spool;
  /** States in the spool that earlier attempts have left. */
  pending: ListEntry[];
  /** The newest checkpoint in the store. */
  newest: CheckpointRef | null;
  /** Step that training resumes at; null: from scratch. */
  step: number | null;
  emit: (event: UploadEvent) => void;
  /**
   * Called while somebody waits for the store, and at every sign of life meanwhile.
   *
   * @param forRoom neither the store nor this disk takes the newest state
   */
  onWait: (forRoom: boolean) => void;
  /**
   * A training that was asked to stop leaves states on this disk after an outage of this long.
   * Default: 15 s.
   */
  patienceMs?: number;
  /** Nobody waits longer for an unavailable store. Default: what the policy of failures allows. */
  limitMs?: number;
}

const PATIENCE_MS = 15_000;
const POLL_MS = 20;

/**
 * The upload runs in a thread of its own: a training step is one long native call that blocks this
 * thread's event loop, so that nothing would be sent. While the store is unavailable the training
 * continues, and its states wait on the disk of this machine.
 */
export class CheckpointUploads {
  /** The newest checkpoint in the store. */
  newest: CheckpointRef | null;
  private readonly thread: Worker;
  private failure: { error: unknown } | null = null;
  private capturedStep: number | null;
  private isKeeping = false;
  /** Why this disk has refused the last state, which is in memory only; null: it has not. */
  private refusal: string | null = null;
  private isAwaited = false;
  private left: number;
  private unavailable: { since: number; why: string } | null = null;
  private storage: string | null = null;

  constructor(private readonly options: UploadOptions) {
    const { storeUri, writer, spool, pending, newest, step } = options;
    this.newest = newest;
    this.capturedStep = step;
    this.left = pending.length;
    const workerData: CheckpointThreadData = {
      storeUri,
      writer: writer.handOver(),
      spoolFolder: spool.folder,
      pending,
    };
    this.thread = new Worker(new URL('./upload-thread.js', import.meta.url), { workerData });
    this.thread.on('message', (reply: CheckpointThreadReply) => this.onReply(reply));
    this.thread.on('error', (error) => {
      this.failure ??= { error };
    });
    this.thread.on('exit', () => {
      this.failure ??= {
        error: new TrainerCrashError({ what: 'the thread that writes checkpoints has ended' }),
      };
    });
  }

  /** Ends the thread. Call it last. */
  async close(): Promise<void> {
    await this.thread.terminate();
  }

  /** Whether another state may be given: the last one is safe. */
  get idle(): boolean {
    return !this.isKeeping;
  }

  /** Step of the newest state given, or resumed from; null when there is none. */
  get newestStep(): number | null {
    return this.capturedStep;
  }

  /** Call only when idle. */
  start({ draft, parts }: CapturedState): void {
    this.capturedStep = draft.step;
    this.isKeeping = true;
    // The weights are transferred, not copied; each has a buffer of its own.
    const moved = Object.values(parts).filter(
      (part) => part.byteLength > 1e5 && part.byteLength === part.buffer.byteLength,
    );
    this.thread.postMessage(
      { draft, parts },
      moved.map((part) => part.buffer as ArrayBuffer),
    );
  }

  /**
   * Waits until another state may be given.
   *
   * @param mayLeave whether a state may be given up that neither the disk nor the store takes
   * @returns false when it was given up
   * @throws the error of a failed upload; StoreUnavailableError after a long outage
   */
  async untilIdle(mayLeave: () => boolean): Promise<boolean> {
    await this.until(() => this.idle || (this.refusal !== null && mayLeave() && this.isOutage()));
    return this.idle;
  }

  /**
   * Waits until the store has every state.
   *
   * @param mayLeave whether states may be left on this disk while the store is unavailable
   * @returns false when they were left
   * @throws the error of a failed upload; StoreUnavailableError after a long outage
   */
  async settle(mayLeave: () => boolean): Promise<boolean> {
    const isStored = () => this.idle && this.left === 0;
    // A state that is being written to the disk is waited for: it would be torn.
    const mayEnd = () => this.hasDiskAnswered && mayLeave() && this.isOutage();
    await this.until(() => isStored() || mayEnd());
    if (isStored()) return true;
    const message = this.refusal
      ? 'neither the store nor the disk of this machine takes the newest state: it is lost, and training resumes from the one before'
      : 'the store is unavailable: the newest state stays on the disk of this machine';
    this.options.emit({ type: 'warning', message });
    return false;
  }

  /** After a failure of the training: waits for states that were captured before it. */
  async drain(): Promise<void> {
    await this.settle(() => true).catch(() => undefined);
  }

  /** Throws the error of an upload that has failed since. */
  rethrow(): void {
    if (this.failure) throw this.failure.error;
  }

  private async until(condition: () => boolean): Promise<void> {
    this.isAwaited = true;
    this.options.onWait(this.lacksRoom);
    try {
      for (this.rethrow(); !condition(); this.rethrow()) {
        this.limitOutage();
        await sleep(POLL_MS);
      }
    } finally {
      this.isAwaited = false;
    }
  }

  /** Whether this disk has taken or refused the last state. */
  private get hasDiskAnswered(): boolean {
    return this.idle || this.refusal !== null;
  }

  private get lacksRoom(): boolean {
    return this.refusal !== null && this.unavailable !== null;
  }

  private isOutage(): boolean {
    return this.outageMs() >= (this.options.patienceMs ?? PATIENCE_MS);
  }

  /** @throws StoreUnavailableError: the run then waits for its user instead of for this process */
  private limitOutage(): void {
    const limit = this.options.limitMs ?? FAILURE_POLICIES.world.milliseconds;
    if (!this.hasDiskAnswered || this.outageMs() < limit) return;
    throw new StoreUnavailableError({
      what: `the object store has been unavailable for ${duration(limit / 1000)}`,
      where: this.options.storeUri,
      hint: 'Check that the server is running; the next attempt on this machine uploads what waits on its disk.',
    });
  }

  private outageMs(): number {
    return this.unavailable === null ? 0 : performance.now() - this.unavailable.since;
  }

  private onReply(reply: CheckpointThreadReply): void {
    if ('left' in reply) this.left = reply.left;
    this.record(reply);
    this.reportStorage();
    if (this.isAwaited) this.options.onWait(this.lacksRoom);
  }

  private record(reply: CheckpointThreadReply): void {
    switch (reply.type) {
      case 'kept':
        this.isKeeping = false;
        this.refusal = null;
        break;
      case 'refused':
        this.refusal = reply.message;
        this.options.emit({
          type: 'warning',
          message: `a checkpoint cannot be kept on this machine: ${reply.message}`,
        });
        break;
      case 'written': {
        const { checkpoint, snapshot } = reply;
        this.newest = checkpoint;
        this.options.emit({ type: 'checkpoint', checkpoint, snapshot });
        break;
      }
      case 'failed':
        this.failure ??= { error: reviveError(reply.error) };
        break;
      case 'available':
        this.unavailable = null;
        break;
      case 'unavailable':
        this.unavailable = { since: this.unavailable?.since ?? performance.now(), why: reply.message };
        this.options.emit({ type: 'warning', message: `${reply.message}; retrying` });
        break;
      case 'warning':
        this.options.emit(reply);
    }
  }

  /** A user sees where the newest states are, for as long as that is not the store. */
  private reportStorage(): void {
    const message = this.storageMessage();
    if (message === this.storage) return;
    this.storage = message;
    this.options.emit({ type: 'storage', message });
  }

  private storageMessage(): string | null {
    if (!this.unavailable || (this.left === 0 && this.idle)) return null;
    const { why } = this.unavailable;
    if (this.refusal === null) return `The store takes no checkpoints (${why}): they wait on this disk.`;
    return (
      `Neither the store (${why}) nor the disk of this machine takes the newest checkpoint, which is in memory only: ` +
      `${this.refusal}`
    );
  }
}
