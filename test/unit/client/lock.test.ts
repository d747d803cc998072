/** The lock of a stack: one holder at a time, and no lock outlives a killed holder. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { withLock } from '../../../src/client/stack/lock.js';
import { thisProcess } from '../../../src/core/process-id.js';
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

test('is taken from a holder whose pid now belongs to another process, and from one of another version', () =>
  withFolder(async (folder) => {
    const lock = path.join(folder, 'lock');
    for (const mark of [`${thisProcess().pid}-1-ab`, 'holder.json']) {
      await mkdir(lock);
      await writeFile(path.join(lock, mark), '');
      assert.equal(await withLock(lock, async () => 7), 7);
    }
  }));

test('is not taken from a holder on another machine, whose processes cannot be seen', () =>
  withFolder(async (folder) => {
    const lock = path.join(folder, 'lock');
    await mkdir(lock);
    const mark = `${thisProcess().pid}-1-ab-elsewhere`;
    await writeFile(path.join(lock, mark), '');
    await assert.rejects(
      withLock(lock, async () => 7),
      /a command on elsewhere is changing this stack/,
    );
    assert.deepEqual(readdirSync(lock), [mark]);
  }));

test('is not taken from a living holder', () =>
  withFolder(async (folder) => {
    const lock = path.join(folder, 'lock');
    const order: string[] = [];
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const first = withLock(lock, async () => {
      await held;
      order.push('first');
    });
    while (!existsSync(lock) || readdirSync(lock).length === 0) await sleep(5);
    const second = withLock(lock, async () => order.push('second'));
    release();
    await Promise.all([first, second]);
    assert.deepEqual(order, ['first', 'second']);
  }));
