/** The public interface of the generation folder. It loads TensorFlow, so only compute processes and commands import it. */
import type { OnProgress } from '../core/progress.js';
import type { GenerateResult } from '../spec/results.js';
import type { ObjectStore } from '../storage/object-store.js';
import * as synthetic from './synthetic-set.js';
import { warmSampler } from './warm-sampler.js';

export { createSampler, type SamplerOptions } from './checkpoint-sampler.js';
export { encodeRawPng, tile } from './image-grid.js';
export { Sampler } from './sampler.js';
export {
  type ShardList,
  type SyntheticInput,
  type SyntheticManifest,
  shardListSchema,
  syntheticManifestSchema,
  syntheticPrefix,
} from './synthetic-set.js';
export { warmSampler } from './warm-sampler.js';

/** Makes one shard of a synthetic set. Idempotent. */
export function generateShard(
  store: ObjectStore,
  input: synthetic.SyntheticInput & { shard: number },
  onProgress?: OnProgress,
): Promise<void> {
  return synthetic.generateShard(store, input, () => warmSampler(store, input.checkpoint.prefix), onProgress);
}

/** Writes the grid and then the manifest, which makes the synthetic set exist. */
export function assembleSynthetic(
  store: ObjectStore,
  input: synthetic.SyntheticInput,
  onProgress?: OnProgress,
): Promise<GenerateResult> {
  return synthetic.assembleSynthetic(
    store,
    input,
    () => warmSampler(store, input.checkpoint.prefix),
    onProgress,
  );
}
