/** A labeled data set of forty images, built by the preprocess stage. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { assembleDataset, buildShard, encodePng, openSource, planDataset } from '../../src/imaging/index.js';
import { preprocessSchema } from '../../src/spec/preprocess.js';
import type { DatasetRef } from '../../src/spec/results.js';
import type { ObjectStore } from '../../src/storage/index.js';

const SIDE = 16;

/**
 * Two classes, an edge at one third or at two thirds of the width, with noise. 32 images are for
 * training, and 8 are held out.
 */
export async function buildTinyDataset(store: ObjectStore): Promise<DatasetRef> {
  const folder = await mkdtemp(path.join(tmpdir(), 'gist-tiny-'));
  try {
    for (let i = 0; i < 40; i++) {
      const name = path.join(folder, i < 32 ? 'train' : 'test', i % 2 ? 'late' : 'early', `${i}.png`);
      await mkdir(path.dirname(name), { recursive: true });
      const edge = i % 2 ? 11 : 5;
      const pixels = Uint8Array.from(
        { length: SIDE * SIDE },
        (_, p) => (p % SIDE < edge ? 40 : 190) + ((p * 31 + i * 17) % 23),
      );
      await writeFile(name, await encodePng(pixels, SIDE, SIDE, 1));
    }
    const spec = preprocessSchema.parse({
      source: folder,
      resolution: SIDE,
      splits: 'keep',
      duplicates: 'ignore',
    });
    const { digest, shards } = await planDataset(store, spec);
    for (let shard = 0; shard < shards; shard++)
      await buildShard(store, openSource(folder), spec, { digest, shard });
    return await assembleDataset(store, spec, digest);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
