/** A training whose store is on a disk that becomes full, and has space again. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { listSnapshots } from '../../src/checkpoints/index.js';
import { FileStore } from '../../src/storage/file-store.js';
import { superviseTrainer } from '../../src/training/index.js';
import { fillDisk, smallDisk } from '../support/small-disk.js';
import { tinyTraining, weights } from '../support/tiny-training.js';

test('waits for space, says which disk and how much is needed, and ends with every snapshot', async (t) => {
  const disk = await smallDisk(t, '48m');
  if (!disk) return t.skip('only root may make a small disk');
  const tiny = await tinyTraining(new FileStore(disk));
  t.after(() => tiny.remove());
  const filler = path.join(disk, 'filler');
  let filled: Promise<void> | undefined;
  const warnings: string[] = [];
  const outcome = await superviseTrainer(tiny.job('full'), {
    onEvent: (event) => {
      if (event.type === 'started') filled ??= fillDisk(disk, filler);
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
