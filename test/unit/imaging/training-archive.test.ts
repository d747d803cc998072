/** The zip for StyleGAN3's tools, made from the shards of a data set. */
import assert from 'node:assert/strict';
import { readdir, readFile, stat, truncate } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import { DatasetError } from '../../../src/core/errors.js';
import {
  assembleDataset,
  buildShard,
  openDataset,
  openShard,
  openSource,
  planDataset,
  decodePng,
} from '../../../src/imaging/index.js';
import { trainingArchive } from '../../../src/imaging/dataset/training-archive.js';
import { FileStore } from '../../../src/storage/file-store.js';
import type { DatasetRef } from '../../../src/spec/results.js';
import { preprocessSpec, withFolder, writeClasses } from '../../support/images.js';

const LABELS = 'dataset.json';

async function datasetOf(store: FileStore, source: string, labels: 'folders' | 'none'): Promise<DatasetRef> {
  const spec = preprocessSpec({ source, labels, shardImages: 8 });
  const { digest, shards } = await planDataset(store, spec);
  for (let shard = 0; shard < shards; shard++)
    await buildShard(store, openSource(source), spec, { digest, shard });
  return assembleDataset(store, spec, digest);
}

test('it contains every training image and label of all shards, is written once, and again when truncated', () =>
  withFolder(async (folder) => {
    await writeClasses(path.join(folder, 'raw'), { a: 12, b: 9 });
    const store = new FileStore(path.join(folder, 'store'));
    const { prefix, images } = await datasetOf(store, path.join(folder, 'raw'), 'folders');
    const cache = path.join(folder, 'cache');
    let told = 0;
    const file = await trainingArchive(store, prefix, cache, ({ done }) => {
      told = done;
    });
    assert.equal(told, images.train);
    const archive = await openShard(file);
    assert.equal(archive.names.length, images.train + 1);
    assert.equal(archive.names.at(-1), LABELS);
    const { labels } = JSON.parse(Buffer.from(await archive.read(LABELS)).toString('utf8')) as {
      labels: [string, number][];
    };
    const label = new Map(labels);
    const shape = { width: 16, height: 16, channels: 1 as const };
    for await (const image of (await openDataset(store, prefix)).images('train')) {
      assert.equal(archive.names[image.index], image.name);
      assert.equal(label.get(image.name), image.label);
      assert.deepEqual(await decodePng(await archive.read(image.name), shape, image.name), image.pixels);
    }
    const [bytes, { ino }] = [await readFile(file), await stat(file)];
    assert.equal(await trainingArchive(store, prefix, cache), file);
    assert.equal((await stat(file)).ino, ino);
    await truncate(file, bytes.length - 50);
    assert.equal(await trainingArchive(store, prefix, cache), file);
    assert.deepEqual(await readFile(file), bytes);
    assert.deepEqual(await readdir(cache), [path.basename(file)]);
  }));

test("without labels it has StyleGAN3's label file for unlabeled data", () =>
  withFolder(async (folder) => {
    await writeClasses(path.join(folder, 'raw'), { a: 10 });
    const store = new FileStore(path.join(folder, 'store'));
    const { prefix } = await datasetOf(store, path.join(folder, 'raw'), 'none');
    const archive = await openShard(await trainingArchive(store, prefix, path.join(folder, 'cache')));
    assert.equal(Buffer.from(await archive.read(LABELS)).toString('utf8'), '{"labels":null}');
  }));

test('a missing data set gives no archive', () =>
  withFolder(async (folder) => {
    const store = new FileStore(folder);
    await assert.rejects(trainingArchive(store, 'datasets/none/', path.join(folder, 'cache')), DatasetError);
  }));
