/**
 * What a training loop receives from the process that it runs in, and the operations that it
 * reports.
 */
import { WAITING_FOR_ROOM } from '../spec/controls.js';
import type { ObjectStore } from '../storage/object-store.js';
import type { TrainerEvent } from './process/messages.js';

export interface TrainerControls {
  store: ObjectStore;
  emit: (event: TrainerEvent) => void;
  /** Whether it was asked to write a checkpoint and stop. */
  shouldStop: () => boolean;
  /** Called before any operation that may take long, with its maximum duration. */
  startOperation: (stage: Operation, allowanceMs: number) => void;
}

export const OPERATIONS = [
  'loading',
  'compiling',
  // The kernels for a new card are kept: see device-environment.ts.
  'compiling for this GPU, once',
  'starting the official trainer',
  'training',
  'drawing a preview',
  'writing a checkpoint',
  WAITING_FOR_ROOM,
] as const;
export type Operation = (typeof OPERATIONS)[number];

/** Of 'loading': libraries and data. Each image that is loaded restarts it. */
export const LOADING_ALLOWANCE_MS = 20 * 60_000;
/** Recording, compiling and the first run of each phase. */
export const BUILD_ALLOWANCE_MS = 20 * 60_000;
/** Of 'writing a checkpoint': the total time that the store is waited for. */
export const UPLOAD_ALLOWANCE_MS = 40 * 60_000;
