/** The heartbeat of a training in its first attempt. */
import type { TrainHeartbeat } from '../../src/spec/controls.js';

export function liveHeartbeat(numbers: Partial<TrainHeartbeat>): TrainHeartbeat {
  return {
    kimg: 0,
    step: 0,
    imagesPerSecond: 0,
    operation: null,
    storage: null,
    checkpoint: null,
    attempt: 1,
    resumption: null,
    fruitlessAttempts: 1,
    progressMs: 0,
    highestStep: 0,
    atMs: 0,
    ...numbers,
  };
}
