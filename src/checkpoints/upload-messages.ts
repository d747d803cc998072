/** Messages between the trainer and its thread that writes checkpoints. */
import type { WireError } from '../core/errors.js';
import type { CheckpointRef } from '../spec/results.js';
import type { CheckpointDraft, WriterHandedOver } from './writer.js';

/** A copy of the state at one moment, on the host. */
export interface CapturedState {
  draft: CheckpointDraft;
  parts: Record<string, Uint8Array>;
}

export interface CheckpointThreadData {
  storeUri: string;
  writer: WriterHandedOver;
}

export type CheckpointThreadReply =
  | { type: 'written'; checkpoint: CheckpointRef }
  | { type: 'failed'; error: WireError }
  | { type: 'unavailable' };
