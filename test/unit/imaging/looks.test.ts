/** Images that several workers look at before the sides are known. */
import assert from 'node:assert/strict';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { writePhantoms } from '../../../examples/phantoms/index.js';
import {
  assembleDataset,
  buildShard,
  lookShard,
  openSource,
  planDataset,
} from '../../../src/imaging/index.js';
import type { PreprocessSpec } from '../../../src/spec/preprocess.js';
import { type ObjectStore, openStore } from '../../../src/storage/index.js';
import { preprocessSpec, withFolder } from '../../support/images.js';

const IMAGES = 24;
const SHARD_IMAGES = 5;

/** Phantoms, one that is damaged, and one that is there twice. */
async function writeSource(folder: string): Promise<PreprocessSpec> {
  const source = path.join(folder, 'source');
  mkdirSync(source);
  await writePhantoms({ folder: source, count: IMAGES, seed: 3 });
  writeFileSync(path.join(source, 'grade-0', 'zz-broken.png'), Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'));
  return preprocessSpec({ source, shardImages: SHARD_IMAGES, duplicates: 'near', maxRejected: 0.1 });
}

/** Everything but the plan, whose names are encrypted with another key each time. */
async function contents(store: ObjectStore): Promise<Record<string, string>> {
  const all: Record<string, string> = {};
  for await (const { key } of store.list('datasets/'))
    if (!/\/plan\//.test(key)) all[key] = Buffer.from(await store.get(key)).toString('latin1');
  return all;
}

async function finish(store: ObjectStore, spec: PreprocessSpec): Promise<void> {
  const { digest, shards } = await planDataset(store, spec);
  for (let shard = 0; shard < shards; shard++)
    await buildShard(store, openSource(spec.source), spec, { digest, shard });
  await assembleDataset(store, spec, digest);
}

test('several workers that look at the images make the data set of one worker', () =>
  withFolder(async (folder) => {
    const spec = await writeSource(folder);
    const [alone, shared] = ['alone', 'shared'].map((name) => openStore(path.join(folder, name))) as [
      ObjectStore,
      ObjectStore,
    ];
    await finish(alone, spec);
    const { digest, looks = 0, shards } = await planDataset(shared, spec, { sharesLooks: true });
    assert.deepEqual([looks, shards], [Math.ceil((IMAGES + 1) / SHARD_IMAGES), 0]);
    for (let shard = looks - 1; shard >= 0; shard--)
      await lookShard(shared, openSource(spec.source), spec, { digest, shard });
    await finish(shared, spec);
    assert.deepEqual(await contents(shared), await contents(alone));
    const left: string[] = [];
    for await (const { key } of shared.list(`datasets/${digest}/plan/look/`)) left.push(key);
    assert.deepEqual(left, [], 'the images are in the shards');
    // Nothing is looked at again for the same images.
    assert.equal((await planDataset(shared, spec, { sharesLooks: true })).looks, undefined);
  }));

test('of a plan whose worker was killed, only the shard of looks that is missing is done again', () =>
  withFolder(async (folder) => {
    const spec = await writeSource(folder);
    const store = openStore(path.join(folder, 'store'));
    const { digest, looks = 0 } = await planDataset(store, spec, { sharesLooks: true });
    const look = (shard: number) => lookShard(store, openSource(spec.source), spec, { digest, shard });
    for (let shard = 1; shard < looks; shard++) await look(shard);
    renameSync(spec.source, `${spec.source}-away`);
    for (let shard = 1; shard < looks; shard++) await look(shard);
    await assert.rejects(look(0));
    renameSync(`${spec.source}-away`, spec.source);
    await look(0);
    await finish(store, spec);
  }));

test('names of patients in paths are not in what workers share', () =>
  withFolder(async (folder) => {
    const spec = await writeSource(folder);
    renameSync(
      path.join(spec.source, 'grade-0', 'zz-broken.png'),
      path.join(spec.source, 'grade-0', 'doe.png'),
    );
    const store = openStore(path.join(folder, 'store'));
    const { digest, looks = 0 } = await planDataset(store, spec, { sharesLooks: true });
    for (let shard = 0; shard < looks; shard++)
      await lookShard(store, openSource(spec.source), spec, { digest, shard });
    for await (const { key } of store.list(''))
      assert.ok(!Buffer.from(await store.get(key)).includes('doe.png'), key);
  }));
