/** What a training loop is given by the process that it runs in, and what it says it is doing. */
import type { CheckpointRef } from '../spec/results.js';
import type { ObjectStore } from '../storage/object-store.js';
import type { TrainerEvent } from './process/messages.js';

export interface TrainerControls {
  store: ObjectStore;
  emit: (event: TrainerEvent) => void;
  /** Whether it was asked to leave a checkpoint and go. */
  shouldStop: () => boolean;
  /** Called before anything that may take long, with how long that is at most. */
  doing: (stage: Stage, allowanceMs: number) => void;
}

export const STAGES = [
  'loading',
  'compiling',
  'starting the official trainer',
  'training',
  'drawing a preview',
  'writing a checkpoint',
] as const;
export type Stage = (typeof STAGES)[number];

/** Of 'loading': libraries and data. Each image that comes starts it anew. */
export const LOADING_ALLOWANCE_MS = 20 * 60_000;
/** Recording, compiling and the first run of each phase. */
export const BUILD_ALLOWANCE_MS = 20 * 60_000;
/** Of 'writing a checkpoint': the store is waited for this long in all. */
export const UPLOAD_ALLOWANCE_MS = 40 * 60_000;

export type TrainingOutcome =
  | { type: 'done'; last: CheckpointRef }
  | { type: 'stopped'; checkpoint: CheckpointRef | null };
