/** Schedules start sweeps under ids of their own; over a growing source each trains what is new. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  createSchedule,
  deleteSchedule,
  listSchedules,
  pauseSchedule,
  triggerSchedule,
} from '../../../src/client/schedules.js';
import { RunError } from '../../../src/core/errors.js';
import { checkRunId } from '../../../src/spec/run-id.js';
import { DATASET_SIZE_SWEEP, type SweepResult } from '../../../src/spec/sweep.js';
import { SimulatedDeployment, untilSo } from '../../support/simulated-deployment.js';

const queue = process.env.GIST_TASK_QUEUE;
let deployment: SimulatedDeployment;
before(async () => {
  process.env.GIST_TASK_QUEUE = 'simulated';
  deployment = await SimulatedDeployment.start({ shards: 1 });
});
after(async () => {
  if (queue === undefined) delete process.env.GIST_TASK_QUEUE;
  else process.env.GIST_TASK_QUEUE = queue;
  await deployment.stop();
});

test('a schedule that fires twice over a growing source trains only what is new', async () => {
  const { client } = deployment;
  const run = {
    name: 'knee',
    preprocess: { source: '/data/knee' },
    train: { kimg: 1, snapshotKimg: 1, stopWhen: null },
  };
  const spec = { name: 'sizes', run, sizes: [100, 200], repeats: 1, growing: true };
  const schedule = { scheduleId: 'nightly', workflow: DATASET_SIZE_SWEEP, spec, every: '365 days' };
  const created = await createSchedule(client, { ...schedule, overlap: 'skip', paused: true });
  assert.equal(created.paused, true);
  await assert.rejects(createSchedule(client, { ...schedule, overlap: 'skip' }), RunError);
  await pauseSchedule(client, 'nightly', false);
  await untilSo(async () => (await listSchedules(client))[0]?.paused === false);

  const fire = async (known: number) => {
    await triggerSchedule(client, 'nightly');
    const started = async () => (await client.schedule.getHandle('nightly').describe()).info.recentActions;
    await untilSo(async () => (await started()).length > known);
    return (await started()).at(-1)?.action.workflow.workflowId ?? assert.fail();
  };
  // The source has too few images for the larger size at first.
  deployment.source.images = 150;
  const first = await fire(0);
  assert.equal(checkRunId(first), first, 'the id that Temporal makes is one of a run');
  const resultOf = async (id: string) => (await client.workflow.getHandle(id).result()) as SweepResult;
  assert.deepEqual((await resultOf(first)).runs, { done: 1, unavailable: 1 });
  deployment.source.images = 250;
  const second = await fire(1);
  assert.notEqual(second, first);
  assert.deepEqual((await resultOf(second)).runs, { done: 2 });
  assert.equal(deployment.recordOf(`${first}-100-0`).trainActivities, 1);
  assert.equal(deployment.recordOf(`${second}-100-0`).trainActivities, 0, 'it was kept');

  await deleteSchedule(client, 'nightly');
  await assert.rejects(triggerSchedule(client, 'nightly'), /there is no schedule "nightly"/);
});
