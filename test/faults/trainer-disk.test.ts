/** A training whose store is on a disk that becomes full, and has space again. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { listSnapshots } from '../../src/checkpoints/index.js';
import { FileStore } from '../../src/storage/file-store.js';
import { superviseTrainer } from '../../src/training/index.js';
import { tinyTraining, weights } from '../support/tiny-training.js';

test('waits for space, says which disk and how much is needed, and ends with every snapshot', async (t) => {
  const disk = await mkdtemp(path.join(tmpdir(), 'gist-small-disk-'));
  t.after(async () => {
    spawnSync('umount', [disk]);
    await rm(disk, { recursive: true, force: true });
  });
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', disk]).status !== 0)
    return t.skip('only root may make a small disk');
  const tiny = await tinyTraining(new FileStore(disk));
  t.after(() => tiny.remove());
  const filler = path.join(disk, 'filler');
  const fill = async () => {
    const { bavail, bsize } = await statfs(disk);
    await writeFile(filler, Buffer.alloc((bavail - 2) * bsize));
  };
  let filled: Promise<void> | undefined;
  const warnings: string[] = [];
  const outcome = await superviseTrainer(tiny.job('full'), {
    onEvent: (event) => {
      if (event.type === 'started') filled ??= fill();
      if (event.type !== 'warning') return;
      warnings.push(event.message);
      void filled?.then(() => rm(filler, { force: true }));
    },
  });
  assert.equal(outcome.type, 'done');
  assert.match(warnings.join(), /no space left on the disk of .*gist-small-disk.* are needed, .* are free/);
  assert.deepEqual(
    (await listSnapshots(tiny.store, 'full')).map(({ step }) => step),
    [20, 40, 60],
  );
  await superviseTrainer(tiny.job('uninterrupted'));
  assert.deepEqual(await weights(tiny.store, 'full'), await weights(tiny.store, 'uninterrupted'));
});
