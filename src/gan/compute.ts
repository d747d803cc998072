/** The door of the gan folder for those who make images: it loads TensorFlow, so only compute processes enter by it. */
import type { OnProgress } from '../core/progress.js';
import type { GenerateResult } from '../spec/results.js';
import type { ObjectStore } from '../storage/object-store.js';
import { createSampler } from './generate.js';
import type { Sampler } from './sampler.js';
import * as synthetic from './synthetic-set.js';

export { createSampler, type SamplerOptions } from './generate.js';
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

let warm: { key: string; sampler: Promise<Sampler> } | null = null;

/** The sampler of a checkpoint; the last one used is kept, since shards of one set follow each other. */
export async function warmSampler(store: ObjectStore, prefix: string): Promise<Sampler> {
  const key = `${store.uri}\n${prefix}\n${(await store.head(`${prefix}manifest.json`))?.etag}`;
  if (warm?.key === key) return warm.sampler;
  const previous = warm?.sampler;
  const sampler = createSampler(store, prefix);
  warm = { key, sampler };
  sampler.catch(() => {
    if (warm?.sampler === sampler) warm = null;
  });
  await previous?.then((old) => old.dispose()).catch(() => undefined);
  return sampler;
}

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
