/** Messages between the trainer and its thread that writes checkpoints. */
import type { WireError } from '../core/errors.js';
import type { CheckpointRef } from '../spec/results.js';
import type { ListEntry } from './list.js';
import type { WriterHandedOver } from './writer.js';

export interface CheckpointThreadData {
  storeUri: string;
  writer: WriterHandedOver;
  spoolFolder: string;
  /** States in the spool that earlier attempts have left, in order. */
  pending: ListEntry[];
}

/** `left`: states that the store does not have yet. */
export type CheckpointThreadReply =
  /** The last state sent is safe, on disk or in the store; another one may follow. */
  | { type: 'kept'; left: number }
  /** The disk does not take the last state; it is kept in memory. */
  | { type: 'refused'; message: string }
  | { type: 'written'; checkpoint: CheckpointRef; snapshot: boolean; left: number }
  | { type: 'failed'; error: WireError }
  | { type: 'unavailable'; message: string }
  | { type: 'available' }
  | { type: 'warning'; message: string };
