/** The lock of a stack: one holder at a time, and no lock outlives a killed holder. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { withLock } from '../../../src/client/stack/lock.js';
import { thisProcess } from '../../../src/client/stack/processes.js';
import { withFolder } from '../../support/images.js';

test('lets one holder in at a time and is gone afterwards', () =>
  withFolder(async (folder) => {
    const lock = path.join(folder, 'lock');
    let inside = 0;
    const work = async () => {
      assert.equal(++inside, 1);
      await new Promise((resolve) => setImmediate(resolve));
      inside--;
    };
    await Promise.all([withLock(lock, work), withLock(lock, work), withLock(lock, work)]);
    assert.equal(existsSync(lock), false);
  }));

test('is released when the work fails', () =>
  withFolder(async (folder) => {
    const lock = path.join(folder, 'lock');
    await assert.rejects(
      withLock(lock, () => Promise.reject(new Error('no'))),
      /no/,
    );
    assert.equal(await withLock(lock, async () => 7), 7);
  }));

test('is taken from a holder whose pid now belongs to another process', () =>
  withFolder(async (folder) => {
    const lock = path.join(folder, 'lock');
    await mkdir(lock);
    await writeFile(path.join(lock, 'holder.json'), JSON.stringify({ ...thisProcess(), started: '1' }));
    assert.equal(await withLock(lock, async () => 7), 7);
  }));

test('is taken from a holder killed before it signed', () =>
  withFolder(async (folder) => {
    const lock = path.join(folder, 'lock');
    await mkdir(lock);
    await utimes(lock, 1, 1);
    assert.equal(await withLock(lock, async () => 7), 7);
  }));
