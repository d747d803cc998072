/** `gist cancel` writes a checkpoint, ends the run, and may be repeated. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Cancellation } from '../../../src/client/index.js';
import { GistUser } from '../../support/gist.js';
import { assertRefused } from '../../support/refusals.js';
import { Rig, TINY_TRAIN, until } from '../../support/rig.js';

let rig: Rig;
let user: GistUser;

before(async () => {
  rig = await Rig.start();
  user = await GistUser.create(rig.env);
});

after(async () => {
  await user.leave();
  await rig.stop();
});

test('a canceled training writes a checkpoint of its last step, and all its processes end', async () => {
  const handle = await rig.startRun('cancelled', {
    name: 'cancelled',
    stages: ['preprocess', 'train'],
    preprocess: { source: await rig.phantoms(20), resolution: 16 },
    train: { ...TINY_TRAIN, kimg: 500, snapshotKimg: 500 },
  });
  await until('training is under way', async () => ((await liveKimg()) ?? 0) > 0);

  const first = await user.json<Cancellation>('cancel', 'cancelled');
  assert.equal(first.changed, true);
  assert.equal(first.status, 'canceled');
  assert.ok(first.checkpoint && first.checkpoint.step > 0);
  assert.match(first.message, /^Cancelled at .* kimg, checkpoint runs\/cancelled\/train\//);
  assert.deepEqual((await rig.newestCheckpoint('cancelled'))?.prefix, first.checkpoint.prefix);
  assert.deepEqual(rig.trainerPids(), []);
  assert.equal((await handle.describe()).status.name, 'CANCELLED');

  const second = await user.json<Cancellation>('cancel', 'cancelled');
  assert.deepEqual([second.changed, second.status], [false, 'canceled']);
  assert.match(second.message, /^Had ended already/);
  const watched = await user.gist('watch', 'cancelled', '--json');
  assert.equal(watched.code, 1);
  assert.match(watched.stderr, /the run was cancelled/);
});

async function liveKimg(): Promise<number | undefined> {
  const { live } = await user.json<{ live: { kimg: number } | null }>('status', 'cancelled');
  return live?.kimg;
}

test('`gist cancel` refuses a run that does not exist', async () => {
  const outcome = await user.gist('cancel', 'nobody', '--json');
  assertRefused(outcome, { type: 'RunError', code: 8, says: /there is no run "nobody"/ });
});
