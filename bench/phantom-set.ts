/** A data set of phantom knees for benchmarks, built by the preprocess stage. */
import { writePhantoms } from '../examples/phantoms/index.js';
import { assembleDataset, buildShard, openSource, planDataset } from '../src/imaging/index.js';
import { preprocessSchema } from '../src/spec/preprocess.js';
import type { DatasetRef } from '../src/spec/results.js';
import type { ObjectStore } from '../src/storage/index.js';

/** Builds the data set without labels and holdout, unless the store has it already. */
export async function phantomSet(
  store: ObjectStore,
  folder: string,
  {
    images,
    resolution,
    seed,
    classes,
  }: { images: number; resolution: number; seed: number; classes?: number[] },
): Promise<DatasetRef> {
  await writePhantoms({ folder, count: images, seed, ...(classes && { classes }) });
  const spec = preprocessSchema.parse({
    source: folder,
    resolution,
    labels: 'none',
    holdout: { fraction: 0 },
  });
  const { digest, shards, dataset: known } = await planDataset(store, spec);
  if (known) return known;
  for (let shard = 0; shard < shards; shard++)
    await buildShard(store, openSource(folder), spec, { digest, shard });
  return assembleDataset(store, spec, digest);
}
