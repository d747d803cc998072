/** Sources and data sets on a real S3 server, SeaweedFS. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import test, { after } from 'node:test';
import { DatasetError, StoreAccessError } from '../../../src/core/errors.js';
import {
  assembleDataset,
  buildShard,
  loadTrainingSet,
  openSource,
  planDataset,
} from '../../../src/imaging/index.js';
import { openStore } from '../../../src/storage/index.js';
import { GistUser } from '../../support/gist.js';
import { deflatedZip, preprocessSpec, withFolder, writeClasses } from '../../support/images.js';
import { startSeaweed } from '../../support/seaweed.js';

const seaweed = await startSeaweed();
seaweed.applyEnv();
after(() => seaweed.stop());

/** Uploads a folder of images under a prefix, and the same images as one archive. */
async function upload(folder: string): Promise<void> {
  const raw = openStore('s3://gist/raw/knee');
  const files = [];
  for (const name of (await readdir(folder, { recursive: true })).filter((entry) => entry.endsWith('.png'))) {
    const bytes = await readFile(path.join(folder, name));
    await raw.put(name, bytes);
    files.push({ name, bytes });
  }
  await raw.put('notes.txt', Buffer.from('not an image'));
  await deflatedZip(path.join(folder, 'knee.zip'), files);
  await openStore('s3://gist/').put('raw/knee.zip', { file: path.join(folder, 'knee.zip') });
}

test('a prefix and an archive in a bucket give the same images as the folder they came from', () =>
  withFolder(async (folder) => {
    await writeClasses(folder, { a: 12, 'a-b': 5, b: 8 });
    await upload(folder);
    const store = openStore('s3://gist/');
    const images: Uint8Array[][] = [];
    for (const source of [folder, 's3://gist/raw/knee', 's3://gist/raw/knee.zip']) {
      const spec = preprocessSpec({ source, shardImages: 8 });
      const { digest, shards } = await planDataset(store, spec);
      await Promise.all(
        Array.from({ length: shards }, (_, shard) =>
          buildShard(store, openSource(source), spec, { digest, shard }),
        ),
      );
      const ref = await assembleDataset(store, spec, digest);
      assert.deepEqual(ref.classes, ['a', 'a-b', 'b']);
      const set = await loadTrainingSet(store, ref.prefix, path.join(folder, '.cache'));
      images.push(Array.from({ length: set.count }, (_, i) => set.pixels(i)));
      set.close();
    }
    assert.deepEqual(images[1], images[0]);
    assert.deepEqual(images[2], images[0]);
  }));

test('a prefix without images and a missing bucket give different errors', async () => {
  const list = async (uri: string) => {
    for (const _ of await openSource(uri).list()) return;
  };
  await assert.rejects(list('s3://gist/nothing/here'), DatasetError);
  await assert.rejects(list('s3://gist/nothing.zip'), DatasetError);
  await assert.rejects(list('s3://no-such-bucket/x'), StoreAccessError);
});

test('commands build, list, export and import data sets of a bucket', () =>
  withFolder(async (folder) => {
    await writeClasses(folder, { a: 6, b: 6 });
    await upload(folder);
    const user = await GistUser.create(seaweed.env);
    try {
      const size = ['--resolution', '16', '--duplicates', 'exact'];
      const { dataset } = await user.json<{ dataset: { prefix: string } }>(
        'dataset',
        'build',
        's3://gist/raw/knee.zip',
        '--out',
        's3://gist/sets',
        ...size,
      );
      const { datasets } = await user.json<{ datasets: { prefix: string }[] }>(
        'dataset',
        'list',
        's3://gist/sets',
      );
      assert.deepEqual(
        datasets.map(({ prefix }) => prefix),
        [dataset.prefix],
      );
      const zip = 's3://gist/exports/knee.zip';
      await user.json('dataset', 'export', `s3://gist/sets/${dataset.prefix}`, zip, '--split', 'all');
      const imported = await user.json<{ dataset: { images: object; classes: string[] } }>(
        'dataset',
        'import',
        zip,
        '--out',
        's3://gist/imported',
      );
      assert.deepEqual(imported.dataset.images, { train: 12, holdout: 0 });
      assert.deepEqual(imported.dataset.classes, ['a', 'b']);
      const none = await user.gist('dataset', 'export', 's3://gist/sets', 'x.zip');
      assert.match(none.stderr, /s3:\/\/gist\/sets\/: there is no finished data set.*dataset list/s);
    } finally {
      await user.leave();
    }
  }));
