/** Caches the last sampler, because successive shards use the same compiled program. */
import type { ObjectStore } from '../storage/object-store.js';
import { createSampler } from './checkpoint-sampler.js';
import type { Sampler } from './sampler.js';

let warm: { key: string; sampler: Promise<Sampler> } | null = null;

/** The sampler of a checkpoint: the cached one if it is of this checkpoint, otherwise a new one. */
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
