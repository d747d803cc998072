/** Uploads of checkpoints while training continues: one at a time, and no error is lost. */
import { Worker } from 'node:worker_threads';
import { reviveError, TrainingError } from '../core/errors.js';
import type { CheckpointRef } from '../spec/results.js';
import type { CheckpointWriter } from './writer.js';
import type { CapturedState, CheckpointThreadData, CheckpointThreadReply } from './upload-messages.js';

/** Events of uploads while they run. */
export type UploadEvent =
  | { type: 'checkpoint'; checkpoint: CheckpointRef; snapshot: boolean }
  | { type: 'warning'; message: string };

/**
 * The upload runs in a thread of its own: a training step is one long native call that blocks this
 * thread's event loop, so that nothing would be sent.
 */
export class CheckpointUploads {
  private readonly thread: Worker;
  private inFlight: Promise<void> | null = null;
  private failure: { error: unknown } | null = null;
  private startedStep: number | null;

  /** @param newest the newest checkpoint that counts */
  constructor(
    storeUri: string,
    writer: CheckpointWriter,
    private readonly emit: (event: UploadEvent) => void,
    public newest: CheckpointRef | null,
  ) {
    this.startedStep = newest?.step ?? null;
    const workerData: CheckpointThreadData = { storeUri, writer: writer.handOver() };
    this.thread = new Worker(new URL('./upload-thread.js', import.meta.url), { workerData });
    this.thread.on('message', ({ type }: CheckpointThreadReply) => {
      if (type === 'unavailable')
        emit({ type: 'warning', message: 'the object store is unavailable; retrying' });
    });
    this.thread.on('error', (error) => {
      this.failure ??= { error };
    });
  }

  /** Ends the thread. Call it last. */
  async close(): Promise<void> {
    await this.thread.terminate();
  }

  get idle(): boolean {
    return this.inFlight === null;
  }

  /** Step of the newest checkpoint written or being written; null when there is none. */
  get newestStep(): number | null {
    return this.startedStep;
  }

  /** Call only when idle. */
  start(state: CapturedState): void {
    this.startedStep = state.draft.step;
    this.inFlight = this.upload(state)
      .catch((error: unknown) => {
        this.failure = { error };
      })
      .finally(() => {
        this.inFlight = null;
      });
  }

  /** Waits for the current upload. @throws the error of a failed upload */
  async settle(): Promise<void> {
    await this.inFlight;
    this.rethrow();
  }

  /** Waits for the current upload, whether it fails or not. */
  async drain(): Promise<void> {
    await this.inFlight;
  }

  /** Throws the error of an upload that has failed since. */
  rethrow(): void {
    if (this.failure) throw this.failure.error;
  }

  private async upload({ draft, parts }: CapturedState): Promise<void> {
    const reply = this.reply();
    // The weights are transferred, not copied; each has a buffer of its own.
    const moved = Object.values(parts).filter(
      (part) => part.byteLength > 1e5 && part.byteLength === part.buffer.byteLength,
    );
    this.thread.postMessage(
      { draft, parts },
      moved.map((part) => part.buffer as ArrayBuffer),
    );
    this.newest = await reply;
    this.emit({ type: 'checkpoint', checkpoint: this.newest, snapshot: draft.snapshot });
  }

  private reply(): Promise<CheckpointRef> {
    const { thread } = this;
    return new Promise((resolve, reject) => {
      const settle = (finish: () => void) => {
        thread.off('message', onReply).off('error', reject).off('exit', ended);
        finish();
      };
      const onReply = (reply: CheckpointThreadReply) => {
        if (reply.type === 'written') settle(() => resolve(reply.checkpoint));
        if (reply.type === 'failed') settle(() => reject(reviveError(reply.error)));
      };
      const ended = () =>
        settle(() => reject(new TrainingError({ what: 'the thread that writes checkpoints has ended' })));
      thread.on('message', onReply).once('error', reject).once('exit', ended);
    });
  }
}
