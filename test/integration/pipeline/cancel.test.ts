/** `gist cancel` ends a run after a checkpoint, and `gist retry` continues it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Cancellation, LiveProgress, Retry } from '../../../src/client/index.js';
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

test('a cancelled training leaves a checkpoint of where it was, and nothing of it runs on', async () => {
  const handle = await rig.startRun('cancelled', {
    name: 'cancelled',
    stages: ['preprocess', 'train'],
    preprocess: { source: await rig.phantoms(20), resolution: 16 },
    train: { ...TINY_TRAIN, kimg: 500, snapshotKimg: 500 },
  });
  await until('training is under way', async () => ((await rig.liveStep('cancelled')) ?? 0) > 0);
  const [running, { live }] = await Promise.all([
    user.gist('retry', 'cancelled', '--json'),
    user.json<LiveProgress>('status', 'cancelled'),
  ]);
  assert.ok((live?.kimg ?? 0) > 0);
  assertRefused(running, { type: 'RunError', code: 8, says: /the run is running/ });

  const first = await user.json<Cancellation>('cancel', 'cancelled');
  assert.equal(first.changed, true);
  await handle.result().catch(() => undefined);
  const [second, watched] = await Promise.all([
    user.json<Cancellation>('cancel', 'cancelled'),
    user.gist('watch', 'cancelled', '--json'),
  ]);
  assert.deepEqual([second.changed, second.status], [false, 'canceled']);
  assert.match(second.message, /^Had ended already.*was cancelled in stage train at .* UTC/);
  assert.ok(second.checkpoint && second.checkpoint.step > 0);
  assert.deepEqual((await rig.newestCheckpoint('cancelled'))?.prefix, second.checkpoint.prefix);
  assert.deepEqual(rig.trainerPids(), []);
  assert.equal((await handle.describe()).status.name, 'CANCELLED');
  assert.equal(watched.code, 1);
  assert.match(watched.stderr, /the run was cancelled.*`gist retry cancelled` resumes from [\d.]+ kimg/);
});

test('an ended run says in every command how it ended and what continues it', async () => {
  const orders = ['pause', 'resume', 'stop'];
  const [{ ended, live, waiting }, text, ...refusals] = await Promise.all([
    user.json<LiveProgress>('status', 'cancelled'),
    user.gist('status', 'cancelled'),
    ...orders.map((order) => user.gist(order, 'cancelled', '--json')),
  ]);
  assert.deepEqual([ended?.status, ended?.stage, live, waiting], ['canceled', 'train', null, null]);
  assert.equal(ended?.command, 'gist retry cancelled');
  assert.ok((ended?.checkpoint?.kimg ?? 0) > 0);
  assert.match(text.stdout, /train +ended here/);
  assert.match(text.stdout, /resumes from [\d.]+ kimg/);
  assert.equal(refusals.length, orders.length);
  const says = /has ended: it was cancelled in stage train at /;
  for (const refused of refusals) assertRefused(refused, { type: 'RunError', code: 8, says });
});

test('images are made of a run by its id', async () => {
  const { images } = await user.json<{ images: unknown[] }>(
    'generate',
    ...['--checkpoint', 'cancelled', '--seeds', '0-1', '--out', 'images'],
  );
  assert.equal(images.length, 2);
});

test('retry continues a run from its checkpoint under the same id, with what is set, also when Temporal has forgotten it', async () => {
  const checkpoint = await rig.newestCheckpoint('cancelled');
  assert.ok(checkpoint);
  await rig.client.workflowService.deleteWorkflowExecution({
    namespace: 'default',
    workflowExecution: { workflowId: 'cancelled' },
  });
  const described = () => rig.client.workflow.getHandle('cancelled').describe();
  await until('Temporal has forgotten the run', () =>
    described().then(
      () => false,
      (error: Error) => error.name === 'WorkflowNotFoundError',
    ),
  );
  const retryWith = (set: string) => user.gist('retry', 'cancelled', '--set', set, '--json');
  const [{ source, ended }, misspelt, other] = await Promise.all([
    user.json<LiveProgress>('status', 'cancelled'),
    retryWith('train.kimgs=1'),
    retryWith('train.batch=4'),
  ]);
  assert.deepEqual([source, ended?.checkpoint?.prefix], ['store', checkpoint.prefix]);
  assertRefused(misspelt, { type: 'SpecError', code: 2, says: /did you mean "kimg"/ });
  assertRefused(other, { type: 'SpecError', code: 2, says: /checkpoints of this run were trained with 8/ });
  // What an earlier `gist stop` leaves: the new length replaces it.
  const directive = 'runs/cancelled/directive.json';
  await rig.store.put(directive, Buffer.from('{"stop": true, "targetKimg": 500}'));
  const kimg = Math.max(0.5, Math.ceil(checkpoint.kimg * 10 + 1) / 10);
  const set = ['--set', `train.kimg=${kimg}`, '--set', 'train.snapshotKimg=0.5'];
  const { action, checkpoint: from, message } = await user.json<Retry>('retry', 'cancelled', ...set);
  assert.deepEqual([action, from?.prefix], ['started', checkpoint.prefix]);
  assert.match(message, /resumes from/);
  assert.equal(await rig.store.head(directive), null);
  const { stages } = await rig.result('cancelled');
  assert.ok((stages.train?.last.kimg ?? 0) >= kimg);
  assert.deepEqual(rig.resumedSteps('cancelled'), [0, checkpoint.step]);
  const complete = await user.gist('retry', 'cancelled', '--json');
  assertRefused(complete, { type: 'RunError', code: 8, says: /the run is complete/ });
});

test('refuses to cancel a run that there is not', async () => {
  const outcome = await user.gist('cancel', 'nobody', '--json');
  assertRefused(outcome, { type: 'RunError', code: 8, says: /there is no run "nobody"/ });
});

test('refuses ids that could be the folder of something else, before anything starts', async () => {
  const ids = ['../../x', 'a/b', 'a b', '..', '.hidden', 'x'.repeat(200)];
  const outcomes = await Promise.all(ids.map((id) => user.gist('status', id, '--json')));
  for (const outcome of outcomes)
    assertRefused(outcome, { type: 'RunError', code: 8, says: /cannot be the id of a run/ });
});
