/** Uploads of checkpoints while training continues: in order, and no error is lost. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { reviveError, TrainerCrashError } from '../core/errors.js';
import type { CheckpointRef } from '../spec/results.js';
import type { ListEntry } from './list.js';
import type { Spool } from './spool.js';
import type { CapturedState, CheckpointThreadData, CheckpointThreadReply } from './upload-messages.js';
import type { CheckpointWriter } from './writer.js';

/** Events of uploads while they run. */
export type UploadEvent =
  | { type: 'checkpoint'; checkpoint: CheckpointRef; snapshot: boolean }
  | { type: 'warning'; message: string };

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
  /** Called while somebody waits for the store, and at every sign of life meanwhile. */
  onWait: () => void;
}

/** A training that was asked to stop leaves states on this disk after an outage of this long. */
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
  private isAwaited = false;
  private left: number;
  private unavailableSince: number | null = null;

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

  /** Waits until another state may be given. @throws the error of a failed upload */
  async untilIdle(): Promise<void> {
    await this.until(() => this.idle);
  }

  /**
   * Waits until the store has every state.
   *
   * @param mayLeave whether states may be left on this disk while the store is unavailable
   * @returns false when they were left
   * @throws the error of a failed upload
   */
  async settle(mayLeave: () => boolean): Promise<boolean> {
    const isStored = () => this.idle && this.left === 0;
    await this.until(() => isStored() || (mayLeave() && this.outageMs() >= PATIENCE_MS));
    if (isStored()) return true;
    const message = 'the store is unavailable: the newest state stays on the disk of this machine';
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
    this.options.onWait();
    try {
      for (this.rethrow(); !condition(); this.rethrow()) await sleep(POLL_MS);
    } finally {
      this.isAwaited = false;
    }
  }

  private outageMs(): number {
    return this.unavailableSince === null ? 0 : performance.now() - this.unavailableSince;
  }

  private onReply(reply: CheckpointThreadReply): void {
    if (this.isAwaited) this.options.onWait();
    if ('left' in reply) this.left = reply.left;
    switch (reply.type) {
      case 'kept':
        this.isKeeping = false;
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
        this.unavailableSince = null;
        break;
      case 'unavailable':
        this.unavailableSince ??= performance.now();
        this.options.emit({ type: 'warning', message: `${reply.message}; checkpoints wait on this disk` });
        break;
      case 'warning':
        this.options.emit(reply);
    }
  }
}
