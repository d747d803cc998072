/** Checkpoints on their way to the store while training goes on: one at a time, and no error is lost. */
import type { CheckpointRef } from '../spec/results.js';
import { PARTS } from './checkpoint.js';
import type { CheckpointDraft, CheckpointWriter } from './checkpoint-store.js';
import type { TrainerEvent } from './trainer-events.js';

/** A state as it was at one moment, on the host. */
export interface CapturedState {
  draft: CheckpointDraft;
  parts: Record<string, Uint8Array>;
}

export class CheckpointUploads {
  private inFlight: Promise<void> | null = null;
  private failure: { error: unknown } | null = null;
  private startedStep: number | null;

  constructor(
    private readonly writer: CheckpointWriter,
    private readonly emit: (event: TrainerEvent) => void,
    /** The newest checkpoint that counts. */
    public newest: CheckpointRef | null,
  ) {
    this.startedStep = newest?.step ?? null;
  }

  get idle(): boolean {
    return this.inFlight === null;
  }

  /** Step of the newest checkpoint written or on its way; null when there is none. */
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

  /** Waits for the upload under way. @throws what it failed with */
  async settle(): Promise<void> {
    await this.inFlight;
    this.rethrow();
  }

  /** Waits for the upload under way, whatever becomes of it. */
  async drain(): Promise<void> {
    await this.inFlight;
  }

  /** Throws what an upload has failed with since. */
  rethrow(): void {
    if (this.failure) throw this.failure.error;
  }

  private async upload({ draft, parts }: CapturedState): Promise<void> {
    this.newest = await this.writer.write(draft, parts);
    const stats = parts[PARTS.stats];
    if (stats) await this.writer.publish(PARTS.stats, stats);
    this.emit({ type: 'checkpoint', checkpoint: this.newest, snapshot: draft.snapshot });
  }
}
