/** Building a data set from a source, and reading it back. */
import assert from 'node:assert/strict';
import { cp, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import test from 'node:test';
import { DatasetError, StoreError } from '../../../src/core/errors.js';
import {
  assembleDataset,
  buildShard,
  type DatasetImage,
  loadTrainingSet,
  openDataset,
  openSource,
  nameRejected,
  planDataset,
  type TrainingSet,
} from '../../../src/imaging/index.js';
import type { PreprocessSpec } from '../../../src/spec/preprocess.js';
import type { DatasetRef } from '../../../src/spec/results.js';
import { type ObjectStore, openStore } from '../../../src/storage/index.js';
import {
  deflatedZip,
  grayPng,
  pngOfSize,
  preprocessSpec,
  withFolder,
  writeClasses,
} from '../../support/images.js';
import { readSeal } from '../../../src/imaging/dataset/name-seal.js';

async function build(store: ObjectStore, spec: PreprocessSpec): Promise<DatasetRef> {
  const { digest, shards, dataset } = await planDataset(store, spec);
  if (dataset) return dataset;
  for (let shard = shards - 1; shard >= 0; shard--)
    await buildShard(store, openSource(spec.source), spec, { digest, shard });
  return assembleDataset(store, spec, digest);
}

/** All objects of a store except the shards' plans, whose names are encrypted, by key. */
async function contents(store: ObjectStore): Promise<Record<string, string>> {
  const all: Record<string, string> = {};
  for await (const { key } of store.list(''))
    if (!/\/plan\/shard-|^cache\/sources\//.test(key))
      all[key] = Buffer.from(await store.get(key)).toString('latin1');
  return all;
}

test('a folder gives shards, labels and a manifest, and all images are read back in order', () =>
  withFolder(async (folder) => {
    const source = path.join(folder, 'source');
    await writeClasses(source, { grade2: 20, grade10: 10 });
    const store = openStore(path.join(folder, 'store'));
    const ref = await build(store, preprocessSpec({ source, shardImages: 7 }));
    assert.deepEqual(ref.classes, ['grade2', 'grade10']);
    assert.deepEqual(
      [ref.images, ref.rejected, ref.channels, ref.resolution],
      [{ train: 26, holdout: 4 }, 0, 1, 16],
    );

    const dataset = await openDataset(store, ref.prefix);
    assert.deepEqual(dataset.manifest.classImages, { train: [18, 8], holdout: [2, 2] });
    const seen = new Set<number>();
    for (const split of ['train', 'holdout'] as const) {
      let next = 0;
      for await (const { index, label, pixels } of dataset.images(split)) {
        assert.equal(index, next++);
        const value = pixels[0] as number;
        seen.add(value);
        assert.equal(label, value < 20 ? 0 : 1);
      }
    }
    assert.equal(seen.size, 30);
    const labels = JSON.parse(Buffer.from(await store.get(`${ref.prefix}dataset.json`)).toString()) as {
      labels: [string, number][];
    };
    assert.equal(labels.labels.length, 26);
    assert.equal(labels.labels[0]?.[0], '00000/img00000000.png');
  }));

test('the same images give the same bytes from a folder, its copy and an archive, in any order of shards', () =>
  withFolder(async (folder) => {
    await writeClasses(path.join(folder, 'one'), { a: 9, b: 5 });
    await cp(path.join(folder, 'one'), path.join(folder, 'two'), { recursive: true });
    const first = openStore(path.join(folder, 'store1'));
    const second = openStore(path.join(folder, 'store2'));
    const refs = [
      await build(first, preprocessSpec({ source: path.join(folder, 'one'), shardImages: 4 })),
      await build(second, preprocessSpec({ source: path.join(folder, 'two'), shardImages: 4 })),
    ];
    assert.deepEqual(refs[0], refs[1]);
    assert.deepEqual(await contents(first), await contents(second));

    const files = [];
    for (const name of (await readdir(path.join(folder, 'one'), { recursive: true })).filter((n) =>
      n.endsWith('.png'),
    )) {
      files.push({ name, bytes: await readFile(path.join(folder, 'one', name)) });
    }
    await deflatedZip(path.join(folder, 'three.zip'), files);
    const third = openStore(path.join(folder, 'store3'));
    const ref = await build(
      third,
      preprocessSpec({ source: path.join(folder, 'three.zip'), shardImages: 4 }),
    );
    const shard = async (store: ObjectStore, prefix: string) =>
      Buffer.from(await store.get(`${prefix}train-00000.zip`));
    assert.deepEqual(await shard(third, ref.prefix), await shard(first, refs[0]?.prefix ?? ''));
  }));

/** A finished data set of two classes, and what it was built from. */
async function builtDataset(folder: string, names: PreprocessSpec['privacy']['names'] = 'hide') {
  const source = path.join(folder, 'source');
  await writeClasses(source, { a: 8, b: 8 });
  const store = openStore(path.join(folder, 'store'));
  const spec = preprocessSpec({ source, privacy: { burnedIn: 'warn', names } });
  const ref = await build(store, spec);
  return { source, store, spec, ref };
}

test('a data set that is built again gets a folder of its own, and the finished one is not touched', () =>
  withFolder(async (folder) => {
    const { source, store, spec, ref } = await builtDataset(folder);
    const objects = () => Readable.from(store.list(ref.prefix)).toArray();
    const before = await objects();

    const again = await planDataset(store, spec, { generation: 'g2' });
    assert.equal(again.dataset, null);
    for (let shard = 0; shard < again.shards; shard++)
      await buildShard(store, openSource(source), spec, { digest: again.digest, shard });
    const second = await assembleDataset(store, spec, again.digest);
    assert.deepEqual(second, { ...ref, prefix: `datasets/${ref.digest}-g2/` });
    assert.equal((await openDataset(store, second.prefix)).manifest.images.train, ref.images.train);
    assert.deepEqual(await objects(), before);
    // A repeated attempt finds its own.
    assert.deepEqual((await planDataset(store, spec, { generation: 'g2' })).dataset, second);
  }));

test('a finished data set is reused, a built shard is kept, a corrupt shard is built again', () =>
  withFolder(async (folder) => {
    const { source, store, spec, ref } = await builtDataset(folder, 'keep');
    assert.deepEqual((await planDataset(store, spec)).dataset, ref);

    const key = `${ref.prefix}train-00000.zip`;
    const whole = await store.get(key);
    await buildShard(store, openSource(source), spec, { digest: ref.digest, shard: 0 });
    const built = await store.head(key);
    await buildShard(store, openSource(source), spec, { digest: ref.digest, shard: 0 });
    assert.deepEqual(await store.head(key), built);
    await store.put(key, whole.subarray(0, 100));
    await assert.rejects(async () => {
      for await (const _ of (await openDataset(store, ref.prefix)).images('train'));
    }, StoreError);
    await buildShard(store, openSource(source), spec, { digest: ref.digest, shard: 0 });
    assert.deepEqual(await store.get(key), whole);
  }));

test('a few unreadable images are rejected and listed by number, and the source gives their names; too many fail', () =>
  withFolder(async (folder) => {
    const source = path.join(folder, 'source');
    await writeClasses(source, { a: 20, b: 20 });
    await writeFile(path.join(source, 'a', 'empty.png'), '');
    await writeFile(path.join(source, 'a', 'text.png'), 'patient: Jane Doe');
    await writeFile(path.join(source, 'b', 'cut.png'), (await grayPng(1)).subarray(0, 50));
    await writeFile(path.join(source, 'b', 'huge.png'), pngOfSize(60_000, 60_000));
    await writeFile(
      path.join(source, 'b', 'scan.dcm'),
      Buffer.concat([Buffer.alloc(128), Buffer.from('DICM')]),
    );
    const store = openStore(path.join(folder, 'store'));
    const spec = preprocessSpec({ source, maxRejected: 0.2 });
    const ref = await build(store, spec);
    assert.equal(ref.rejected, 5);
    assert.equal(ref.images.train + ref.images.holdout, 40);
    const { manifest } = await openDataset(store, ref.prefix);
    assert.ok(manifest.rejected.every(({ name }) => /^file \d+ \(hidden by privacy\.names\)$/.test(name)));
    const rejected = await nameRejected(manifest, source);
    assert.deepEqual(rejected.map(({ name }) => name).sort(), [
      'a/empty.png',
      'a/text.png',
      'b/cut.png',
      'b/huge.png',
      'b/scan.dcm',
    ]);
    assert.ok(!JSON.stringify(rejected).includes('Jane'));

    await rm(path.join(folder, 'store'), { recursive: true });
    await writeFile(path.join(source, 'a', 'another.png'), await grayPng(77));
    await assert.rejects(nameRejected(manifest, source), /has changed since/);
    await rm(path.join(source, 'a', 'another.png'));
    await assert.rejects(
      build(store, { ...spec, maxRejected: 0.05 }),
      (e) => e instanceof DatasetError && /5 of 45/.test(e.what) && !/\.png/.test(e.message),
    );
    assert.equal(await store.head(`${ref.prefix}manifest.json`), null);
  }));

test('names are readable with the key of the plan, which the finished data set has no more', () =>
  withFolder(async (folder) => {
    const source = path.join(folder, 'source');
    await writeClasses(source, { doe_jane_ward: 8 });
    const store = openStore(path.join(folder, 'store'));
    const spec = preprocessSpec({ source, labels: 'none' });
    const { digest } = await planDataset(store, spec);
    const texts = async () => Object.values({ ...(await contents(store)), shard: await shardPlan() }).join();
    const shardPlan = async () =>
      Buffer.from(await store.get(`datasets/${digest}/plan/shard-00000.json`)).toString();
    assert.ok(!(await texts()).includes('doe_jane'));
    const { sealed } = JSON.parse((await shardPlan()).split('\n')[0] ?? '') as { sealed: string };
    assert.match((await readSeal(store, digest)).open(sealed), /^doe_jane_ward\/image0\d\.png$/);
    await build(store, spec);
    assert.ok(!(await texts()).includes('doe_jane'));
    await assert.rejects(readSeal(store, digest), /was deleted/);
    // Without the manifest the data set is planned again, with a new key.
    await store.delete(`datasets/${digest}/manifest.json`);
    assert.equal((await build(store, spec)).images.train, 7);
  }));

test('privacy.names: keep leaves the names in the plan', () =>
  withFolder(async (folder) => {
    const { store, ref } = await builtDataset(folder, 'keep');
    const plan = Buffer.from(await store.get(`${ref.prefix}plan/shard-00000.json`)).toString();
    assert.match(plan, /"name":"a\/image0\d\.png","position":\d/);
  }));

test('a class without a readable image fails, whatever maxRejected is', () =>
  withFolder(async (folder) => {
    await writeClasses(folder, { a: 10, b: 2 });
    for (const name of await readdir(path.join(folder, 'b')))
      await writeFile(path.join(folder, 'b', name), 'x');
    await assert.rejects(
      build(openStore(path.join(folder, '.store')), preprocessSpec({ source: folder, maxRejected: 1 })),
      (e) => e instanceof DatasetError && /class "b"/.test(e.what),
    );
  }));

test('mirroring adds a flipped copy of every training image and of no holdout image', () =>
  withFolder(async (folder) => {
    const source = path.join(folder, 'source');
    await writeClasses(source, { a: 10 });
    const store = openStore(path.join(folder, 'store'));
    const ref = await build(
      store,
      preprocessSpec({ source, mirror: true, labels: 'none', color: 'rgb', shardImages: 5 }),
    );
    assert.deepEqual([ref.images, ref.classes, ref.channels], [{ train: 12, holdout: 4 }, null, 3]);
    for await (const { label } of (await openDataset(store, ref.prefix)).images('train'))
      assert.equal(label, null);
  }));

test('a source that changes between listing and reading is rejected', () =>
  withFolder(async (folder) => {
    const source = path.join(folder, 'source');
    await writeClasses(source, { a: 4 });
    const store = openStore(path.join(folder, 'store'));
    const spec = preprocessSpec({ duplicates: 'exact', source });
    const { digest } = await planDataset(store, spec);
    for (const name of await readdir(path.join(source, 'a')))
      await writeFile(path.join(source, 'a', name), await grayPng(250));
    await assert.rejects(buildShard(store, openSource(source), spec, { digest, shard: 0 }), DatasetError);
  }));

test('an image that was made while copies were searched for is not read again', () =>
  withFolder(async (folder) => {
    const source = path.join(folder, 'source');
    await writeClasses(source, { a: 6, b: 4 });
    await writeFile(path.join(source, 'a', 'damaged.png'), 'no image');
    const store = openStore(path.join(folder, 'store'));
    const other = openStore(path.join(folder, 'other'));
    const spec = preprocessSpec({ source, shardImages: 3, maxRejected: 0.5 });
    await build(other, { ...spec, duplicates: 'exact' });
    const { digest, shards } = await planDataset(store, spec);
    const away = path.join(folder, 'away');
    await rename(source, away);
    for (let shard = 0; shard < shards; shard++)
      await buildShard(store, openSource(source), spec, { digest, shard });
    await assembleDataset(store, spec, digest);
    const zips = async (built: ObjectStore) =>
      Object.entries(await contents(built)).filter(([key]) => key.endsWith('.zip'));
    const bytes = async (built: ObjectStore) => (await zips(built)).map(([, zip]) => zip);
    assert.deepEqual(await bytes(store), await bytes(other));
    for await (const { key } of store.list('')) assert.doesNotMatch(key, /pack-/);
  }));

test('of a source that has grown only the new images are read, and the data set is the same as a new one', () =>
  withFolder(async (folder) => {
    for (const duplicates of ['near', 'exact'] as const) {
      const source = path.join(folder, duplicates);
      await writeClasses(source, { a: 6, b: 4 });
      await writeFile(path.join(source, 'a', 'damaged.png'), 'no image');
      const longAgo = new Date(Date.now() - 60_000);
      for (const name of await readdir(source, { recursive: true }))
        await utimes(path.join(source, name), longAgo, longAgo);
      const store = openStore(path.join(folder, `${duplicates}-store`));
      const spec = preprocessSpec({ source, shardImages: 3, maxRejected: 0.5, mirror: true, duplicates });
      await build(store, spec);
      await writeFile(path.join(source, 'b', 'new.png'), await grayPng(77));
      const expected = openStore(path.join(folder, `${duplicates}-expected`));
      const fresh = await build(expected, spec);
      // Files with other bytes, the same length and time: whatever is read again would be seen.
      for (const name of await readdir(path.join(source, 'a'))) {
        const file = path.join(source, 'a', name);
        const { size } = await stat(file);
        await writeFile(file, Buffer.alloc(size, 1));
        await utimes(file, longAgo, longAgo);
      }
      const grown = await build(store, spec);
      assert.deepEqual(grown, fresh);
      const objects = async (from: ObjectStore) =>
        Object.entries(await contents(from))
          .filter(([key]) => key.startsWith(fresh.prefix) && /zip$|manifest|(dataset|holdout).json/.test(key))
          .sort();
      assert.deepEqual(await objects(store), await objects(expected));
    }
  }));

test('of an archive that has grown only the new image is read, although plans hide the names of files', () =>
  withFolder(async (folder) => {
    const source = path.join(folder, 'images.zip');
    const levels = [10, 40, 70, 100, 130, 160];
    const files = await Promise.all(
      levels.map(async (level) => ({ name: `smith${level}.png`, bytes: await grayPng(level) })),
    );
    const store = openStore(path.join(folder, 'store'));
    const spec = preprocessSpec({ source, duplicates: 'exact' });
    await deflatedZip(source, files);
    await build(store, spec);
    await deflatedZip(source, [...files, { name: 'smith255.png', bytes: await grayPng(255) }]);
    const { digest, shards } = await planDataset(store, spec);
    const opened = openSource(source);
    const read = opened.read.bind(opened);
    const names: string[] = [];
    opened.read = (name, options) => {
      names.push(name);
      return read(name, options);
    };
    for (let shard = 0; shard < shards; shard++) await buildShard(store, opened, spec, { digest, shard });
    await assembleDataset(store, spec, digest);
    assert.deepEqual(names, ['smith255.png']);
    for await (const { key } of store.list(''))
      assert.doesNotMatch(Buffer.from(await store.get(key)).toString('latin1'), /smith/, key);
    const other = openStore(path.join(folder, 'other'));
    const { prefix } = await build(other, spec);
    for (const name of ['manifest.json', 'train-00000.zip', 'holdout-00000.zip'])
      assert.deepEqual(await store.get(prefix + name), await other.get(prefix + name), name);
  }));

test('an image of an earlier data set that was deleted or damaged is made again', () =>
  withFolder(async (folder) => {
    const source = path.join(folder, 'source');
    await writeClasses(source, { a: 6, b: 4 });
    const store = openStore(path.join(folder, 'store'));
    const spec = preprocessSpec({ source, duplicates: 'exact' });
    const first = await build(store, spec);
    const zip = `${first.prefix}train-00000.zip`;
    const bytes = Buffer.from(await store.get(zip)).fill(7, 0, 300);
    await writeFile(path.join(source, 'b', 'new.png'), await grayPng(77));
    const { digest } = await planDataset(store, spec);
    await store.put(zip, bytes);
    await store.delete(`${first.prefix}holdout-00000.zip`);
    for (const shard of [0, 1]) await buildShard(store, openSource(source), spec, { digest, shard });
    const again = await assembleDataset(store, spec, digest);
    assert.deepEqual([again.images.train + again.images.holdout, again.rejected], [11, 0]);
    const other = openStore(path.join(folder, 'other'));
    await build(other, spec);
    const key = `datasets/${digest}/train-00000.zip`;
    assert.deepEqual(await store.get(key), await other.get(key));
  }));

test('an aborted shard stores neither shard nor report', () =>
  withFolder(async (folder) => {
    const source = path.join(folder, 'source');
    await writeClasses(source, { a: 20 });
    const store = openStore(path.join(folder, 'store'));
    const spec = preprocessSpec({ source });
    const { digest } = await planDataset(store, spec);
    const controller = new AbortController();
    const onProgress = () => controller.abort();
    await assert.rejects(
      buildShard(store, openSource(source), spec, {
        digest,
        shard: 0,
        onProgress,
        signal: controller.signal,
      }),
    );
    await assert.rejects(assembleDataset(store, spec, digest), StoreError);
    for await (const { key } of store.list(`datasets/${digest}/`))
      assert.doesNotMatch(key, /report-|made-|\.zip$/);
  }));

test('the training set gives random access to images and is reused from the cache', () =>
  withFolder(async (folder) => {
    const source = path.join(folder, 'source');
    await writeClasses(source, { a: 12, b: 6 });
    const store = openStore(path.join(folder, 'store'));
    const ref = await build(store, preprocessSpec({ source, shardImages: 4 }));
    const cache = path.join(folder, 'cache');
    const expected = await trainingImages(store, ref.prefix);
    const set = await loadTrainingSet(store, ref.prefix, cache);
    assert.deepEqual([set.count, set.resolution, set.channels, set.classes], [13, 16, 1, ['a', 'b']]);
    assertHolds(set, expected);
    assert.throws(() => set.pixels(set.count), RangeError);
    set.close();
    assert.equal((await readdir(cache)).length, 1);
    const again = await loadTrainingSet(openStore(path.join(folder, 'store')), ref.prefix, cache, {
      onProgress: () => assert.fail('decoded again'),
    });
    again.close();
    await assert.rejects(loadTrainingSet(store, 'datasets/none/', cache), DatasetError);
  }));

test('concurrent loads of one training set all succeed, also over the incomplete cache of a killed process', () =>
  withFolder(async (folder) => {
    const source = path.join(folder, 'source');
    await writeClasses(source, { a: 12, b: 6 });
    const store = openStore(path.join(folder, 'store'));
    const { prefix } = await build(store, preprocessSpec({ source, shardImages: 4 }));
    const expected = await trainingImages(store, prefix);
    for (let round = 0; round < 20; round++) {
      const cache = path.join(folder, `cache-${round}`);
      if (round % 2 === 1) await leaveRemains(store, prefix, cache);
      const load = () => loadTrainingSet(store, prefix, cache);
      const outcomes = await Promise.allSettled([load(), load(), load()]);
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') throw outcome.reason;
        assertHolds(outcome.value, expected);
        outcome.value.close();
      }
      assert.equal((await readdir(cache)).length, 1);
    }
  }));

async function trainingImages(store: ObjectStore, prefix: string): Promise<DatasetImage[]> {
  const images: DatasetImage[] = [];
  for await (const image of (await openDataset(store, prefix)).images('train')) images.push(image);
  return images;
}

function assertHolds(set: TrainingSet, expected: readonly DatasetImage[]): void {
  assert.equal(set.count, expected.length);
  for (const { index, label, pixels } of expected) {
    assert.equal(set.label(index), label);
    assert.deepEqual(set.pixels(index), Uint8Array.from(pixels));
  }
}

/** A cache whose process was killed between its two files. */
async function leaveRemains(store: ObjectStore, prefix: string, cache: string): Promise<void> {
  (await loadTrainingSet(store, prefix, cache)).close();
  const [name] = await readdir(cache);
  await rm(path.join(cache, name as string, 'images.bin'));
}
