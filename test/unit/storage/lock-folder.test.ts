/** The lock between processes: never two holders, whoever judged whom dead and when. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type LockRules, withLockFolder } from '../../../src/storage/lock-folder.js';
import { withFolder } from '../../support/images.js';

function rules(isAbandoned: LockRules['isAbandoned']): LockRules {
  return { mark: randomBytes(6).toString('hex'), isAbandoned, wait: () => sleep(1 + Math.random() * 5) };
}

const isDead = (mark: string) => mark.startsWith('dead');

test('who judged a holder dead and was slow to act on it does not take the lock of the next one', () =>
  withFolder(async (folder) => {
    const lock = path.join(folder, 'lock');
    await mkdir(lock);
    await writeFile(path.join(lock, 'dead'), '');
    let judged: () => void = () => undefined;
    const hasJudged = new Promise<void>((resolve) => {
      judged = resolve;
    });
    let go: () => void = () => undefined;
    const mayAct = new Promise<void>((resolve) => {
      go = resolve;
    });
    const order: string[] = [];
    const slowly = rules(async (mark) => {
      if (!isDead(mark)) return false;
      judged();
      await mayAct;
      return true;
    });
    const slow = withLockFolder(lock, slowly, async () => order.push('slow'));
    await hasJudged;
    await withLockFolder(lock, rules(isDead), async () => {
      go();
      await sleep(50);
      order.push('quick');
    });
    await slow;
    assert.deepEqual(order, ['quick', 'slow']);
    assert.deepEqual(await readdir(folder), []);
  }));

test('of twelve at once each has its turn alone', () =>
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
    await Promise.all(Array.from({ length: 12 }, () => withLockFolder(lock, rules(isDead), work)));
    assert.equal(turns, 12);
  }));
