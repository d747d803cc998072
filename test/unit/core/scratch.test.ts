/** Scratch folders of killed processes are swept, and nobody else's. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { SetupError } from '../../../src/core/errors.js';
import { makeScratchFolder, sweepScratch } from '../../../src/core/scratch.js';

const before48h = new Date(Date.now() - 48 * 60 * 60 * 1000);
const usual = process.env.TMPDIR;
let folder: string;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gist-test-scratch-'));
  process.env.TMPDIR = folder;
});
after(async () => {
  if (usual === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = usual;
  await rm(folder, { recursive: true });
});

async function leftBy(pid: number | string, changed: Date): Promise<string> {
  const left = path.join(folder, `gist-scratch-${pid}-shard-abcdef`);
  await mkdir(left, { recursive: true });
  await writeFile(path.join(left, 'shard.zip'), 'x');
  await utimes(left, changed, changed);
  return left;
}

test('what a dead process left a day ago goes, with all that is in it', async () => {
  const { pid } = spawnSync(process.execPath, ['-e', '0']);
  const left = await leftBy(pid, before48h);
  await sweepScratch();
  assert.equal(existsSync(left), false);
});

test('what a living process made, what is young, and what is not ours stays', async () => {
  const { pid } = spawnSync(process.execPath, ['-e', '0']);
  const kept = [
    await leftBy(process.pid, before48h),
    await leftBy(pid, new Date()),
    await leftBy('other', before48h),
  ];
  await sweepScratch();
  assert.deepEqual(kept.map(existsSync), [true, true, true]);
});

test('two folders for one purpose are two', async () => {
  const made = [await makeScratchFolder('graph'), await makeScratchFolder('graph')];
  assert.notEqual(made[0], made[1]);
  assert.ok(made.every((one) => one.startsWith(path.join(folder, `gist-scratch-${process.pid}-graph-`))));
});

test('a folder for temporary files that is missing is named, with the variable that helps', async () => {
  const missing = path.join(folder, 'missing');
  process.env.TMPDIR = missing;
  try {
    for (let tries = 0; tries < 2; tries++)
      await assert.rejects(
        makeScratchFolder('x'),
        (error) =>
          error instanceof SetupError && error.where === missing && /Set TMPDIR/.test(error.hint ?? ''),
      );
    await mkdir(missing);
    assert.ok(existsSync(await makeScratchFolder('x')));
  } finally {
    process.env.TMPDIR = folder;
  }
});
