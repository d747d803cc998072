/** The cache of training sets stays within its limit. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { StoreUnavailableError } from '../../../src/core/errors.js';
import { makeRoom, markUsed } from '../../../src/imaging/dataset/training-cache.js';

const HOUR_MS = 60 * 60_000;

describe('the cache of training sets', () => {
  let cache: string;
  beforeEach(async () => {
    cache = await mkdtemp(path.join(tmpdir(), 'gist-training-cache-'));
    process.env.GIST_CACHE_LIMIT = '0.000003';
  });
  afterEach(async () => {
    delete process.env.GIST_CACHE_LIMIT;
    await rm(cache, { recursive: true });
  });

  /** 1000 bytes, used that many hours ago. */
  async function addSet(name: string, hours: number): Promise<string> {
    const file = path.join(cache, name);
    if (name.endsWith('.zip')) await writeFile(file, Buffer.alloc(1000));
    else {
      await mkdir(file);
      await writeFile(path.join(file, 'images.bin'), Buffer.alloc(1000));
    }
    const used = new Date(Date.now() - hours * HOUR_MS);
    await utimes(file, used, used);
    return file;
  }
  const names = async () => (await readdir(cache)).sort();

  test('loses the sets that were used least recently, as many as the new one needs', async () => {
    await addSet('older', 5);
    await addSet('newer.zip', 3);
    const oldest = await addSet('oldest', 9);
    await makeRoom(cache, 900);
    assert.deepEqual(await names(), ['newer.zip', 'older']);
    await addSet('fresh', 2);
    await makeRoom(cache, 900);
    assert.deepEqual(await names(), ['fresh', 'newer.zip']);
    assert.ok(oldest);
  });

  test('keeps a set that is used again, and what a training may be about to open', async () => {
    const used = await addSet('used', 9);
    await addSet('unused', 5);
    await markUsed(used);
    await makeRoom(cache, 2000);
    assert.deepEqual(await names(), ['used']);
    await makeRoom(cache, 1e6);
    assert.deepEqual(await names(), ['used']);
  });

  test('of a set that the disk has no room for says how much is needed and which variable helps', async () => {
    await assert.rejects(
      makeRoom(cache, 1e18),
      (error) =>
        error instanceof StoreUnavailableError &&
        /are needed, .* are free.*GIST_DATA_CACHE/.test(error.message),
    );
  });
});
