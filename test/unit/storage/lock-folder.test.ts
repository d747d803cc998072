/** The lock between processes: never two holders, whenever a process finds a lock abandoned. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type LockOptions, withLockFolder } from '../../../src/storage/lock-folder.js';
import { withFolder } from '../../support/images.js';

function options(isAbandoned: LockOptions['isAbandoned']): LockOptions {
  return { name: randomBytes(6).toString('hex'), isAbandoned, wait: () => sleep(1 + Math.random() * 5) };
}

const isDead = (name: string) => name.startsWith('dead');

test('a process that acts late on an abandoned lock file does not remove the lock file of the next holder', () =>
  withFolder(async (folder) => {
    const lock = path.join(folder, 'lock');
    await mkdir(lock);
    await writeFile(path.join(lock, 'dead'), '');
    let reportFound: () => void = () => undefined;
    const found = new Promise<void>((resolve) => {
      reportFound = resolve;
    });
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const order: string[] = [];
    const slowOptions = options(async (name) => {
      if (!isDead(name)) return false;
      reportFound();
      await released;
      return true;
    });
    const slow = withLockFolder(lock, slowOptions, async () => order.push('slow'));
    await found;
    await withLockFolder(lock, options(isDead), async () => {
      release();
      await sleep(50);
      order.push('quick');
    });
    await slow;
    assert.deepEqual(order, ['quick', 'slow']);
    assert.deepEqual(await readdir(folder), []);
  }));

test('twelve concurrent processes hold the lock one at a time', () =>
  withFolder(async (folder) => {
    let inside = 0;
    let turns = 0;
    const work = async () => {
      assert.equal(++inside, 1);
      await sleep(1);
      inside--;
      turns++;
    };
    const lock = path.join(folder, 'lock');
    await Promise.all(Array.from({ length: 12 }, () => withLockFolder(lock, options(isDead), work)));
    assert.equal(turns, 12);
  }));
