/** Random access to the images of a shard, also of one that was damaged after it was opened. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { ArchiveError } from '../../../src/core/errors.js';
import { openShard, writeStoredZip } from '../../../src/imaging/index.js';

const FIRST = Buffer.from('the first image');
const SECOND = Buffer.from('the second image');
let folder: string;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gist-shard-'));
});
after(() => rm(folder, { recursive: true, force: true }));

async function shard(name: string): Promise<string> {
  const file = path.join(folder, name);
  async function* files() {
    yield { name: 'a.png', bytes: FIRST };
    yield { name: 'b.png', bytes: SECOND };
  }
  await writeStoredZip(file, files());
  return file;
}

test('images are read by name in any order', async () => {
  const { names, read } = await openShard(await shard('intact.zip'));
  assert.deepEqual(names, ['a.png', 'b.png']);
  assert.deepEqual(Buffer.from(await read('b.png')), SECOND);
  assert.deepEqual(Buffer.from(await read('a.png')), FIRST);
  await assert.rejects(read('c.png'), ArchiveError);
});

test('an image that was cut off is an ArchiveError, and the images before it are still read', async () => {
  const file = await shard('cut.zip');
  const { read } = await openShard(file);
  const firstEntry = 30 + 'a.png'.length + FIRST.length;
  await truncate(file, firstEntry + 40);
  await assert.rejects(read('b.png'), ArchiveError);
  await truncate(file, firstEntry + 10);
  await assert.rejects(read('b.png'), ArchiveError);
  assert.deepEqual(Buffer.from(await read('a.png')), FIRST);
});
