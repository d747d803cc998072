/** Small states of a training for tests of their storage. */
import type { TrainingConfiguration } from '../../src/checkpoints/manifest.js';
import type { CheckpointDraft } from '../../src/checkpoints/put-checkpoint.js';

export const configuration: TrainingConfiguration = {
  network: { resolution: 16, cmax: 8 },
  training: { batch: 4 },
  dataset: 'abc',
};

export function draft(step: number, snapshot = true): CheckpointDraft {
  return {
    kimg: step * 0.004,
    step,
    snapshot,
    configuration,
    counters: {
      step,
      images: step * 4,
      dataPosition: step * 4,
      augmentation: { p: 0, images: 0, signs: 0 },
      tick: { index: 0, startImages: 0, startSeconds: 0, moments: {} },
      seconds: 1,
    },
    numericEnvironment: { threads: 2, library: 'test', cpuFeatures: [], platform: 'test', mode: 'graph' },
    classes: null,
  };
}

export const parts = (fill: number) => ({
  'G.safetensors': new Uint8Array(1000).fill(fill),
  'G_ema.safetensors': new Uint8Array(500).fill(fill),
});
