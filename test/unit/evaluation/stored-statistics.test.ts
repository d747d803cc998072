/** Statistics of real images are computed once for all evaluations. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { RandomStream } from '../../../src/core/random.js';
import { gaussianStatistics } from '../../../src/evaluation/metrics/frechet-distance.js';
import { storedStatistics } from '../../../src/evaluation/stored-statistics.js';
import { type ObjectStore, openStore } from '../../../src/storage/index.js';

let folder: string;
let store: ObjectStore;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gist-statistics-'));
  store = openStore(folder);
});
after(() => rm(folder, { recursive: true, force: true }));

function features(rows: number, columns: number, seed: number) {
  const random = new RandomStream(seed, 'features');
  return { rows, columns, data: Float32Array.from({ length: rows * columns }, () => random.normal()) };
}

test('statistics of a set that are in the store are not computed again', async () => {
  const set = features(30, 8, 1);
  const computed = gaussianStatistics(set);
  assert.deepEqual(await storedStatistics(store, { prefix: 'a/', name: 'train-30' }, set), computed);
  // Other features under the same name: what is returned was read.
  assert.deepEqual(
    await storedStatistics(store, { prefix: 'a/', name: 'train-30' }, features(30, 8, 2)),
    computed,
  );
  const more = features(40, 8, 3);
  assert.deepEqual(
    await storedStatistics(store, { prefix: 'a/', name: 'train-30' }, more),
    gaussianStatistics(more),
  );
});

test('damaged statistics are computed again', async () => {
  const set = features(30, 8, 4);
  const computed = await storedStatistics(store, { prefix: 'b/', name: 'train-30' }, set);
  const file = path.join(folder, 'b/train-30.f64');
  const bytes = await readFile(file);
  bytes.writeUInt8(bytes.readUInt8(100) ^ 1, 100);
  await writeFile(file, bytes);
  assert.deepEqual(await storedStatistics(store, { prefix: 'b/', name: 'train-30' }, set), computed);
  await writeFile(path.join(folder, 'b/train-30.json'), '{');
  assert.deepEqual(await storedStatistics(store, { prefix: 'b/', name: 'train-30' }, set), computed);
});

test('of fewer images than features nothing is kept', async () => {
  const set = features(6, 8, 5);
  assert.equal((await storedStatistics(store, { prefix: 'c/', name: 'train-6' }, set)).spread.kind, 'rows');
  assert.equal(await store.head('c/train-6.json'), null);
});
