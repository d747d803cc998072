/** Work of different kinds has queues and slots of its own; on a real server, with real slots. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { progressOf } from '../../../src/client/index.js';
import { activitiesOf } from '../../../src/client/pending.js';
import type { PipelineInput } from '../../../src/spec/pipeline.js';
import { SWEEP_PRIORITY_KEY } from '../../../src/spec/sweep.js';
import { ORDINARY, SimulatedCluster } from '../../support/simulated-cluster.js';
import { untilSo } from '../../support/simulated-deployment.js';

const SWEEP = { priorityKey: SWEEP_PRIORITY_KEY, fairnessKey: 'sweep' };
const KIMG_MS = 50;
/** Until it is stopped. */
const LONG = 1e6;

Runtime.install({ logger: new DefaultLogger('ERROR') });

let cluster: SimulatedCluster;
before(async () => {
  cluster = await SimulatedCluster.start({ train: KIMG_MS });
  await Promise.all([cluster.startWorker('cpu'), cluster.startWorker('gpu')]);
});
after(() => cluster.stop());

const training = (kimg: number, train: PipelineInput['train'] = {}): Partial<PipelineInput> => ({
  stages: ['preprocess', 'train'],
  train: { kimg, snapshotKimg: 1, stopWhen: null, ...train },
});

const untilTraining = (runId: string) => untilSo(async () => [...cluster.training.values()].includes(runId));

/** Until its training waits for the device. */
const untilQueued = (runId: string) =>
  untilSo(async () => {
    const described = await cluster.client.workflow
      .getHandle(`${runId}/train`)
      .describe()
      .catch(() => null);
    return described !== null && activitiesOf(described).some(({ type }) => type === 'train');
  });

/** Runs in the order in which their trainings began. */
const begun = (...runIds: string[]) =>
  cluster.done
    .filter(({ type, runId }) => type === 'train' && runIds.includes(runId))
    .sort((a, b) => a.startedMs - b.startedMs)
    .map(({ runId }) => runId);

test('images are made, snapshots evaluated and results recorded while the only device trains', async () => {
  const week = await cluster.startRun('week', training(LONG));
  await untilTraining('week');
  const images = await cluster.startRun('images', {
    stages: ['generate'],
    preprocess: undefined,
    from: { checkpoint: 'runs/other/' },
  });
  await images.result();
  assert.deepEqual([...cluster.training.values()], ['week']);
  await week.executeUpdate('stopTraining');
  await week.result();
});

test('a training that was paused has the device before those that have waited meanwhile', async () => {
  const paused = await cluster.startRun('paused', training(LONG));
  await untilTraining('paused');
  await paused.executeUpdate('pause');
  const next = await cluster.startRun('next', training(LONG));
  await untilTraining('next');
  const later = await cluster.startRun('later', training(1));
  await untilQueued('later');
  await paused.executeUpdate('resume');
  await untilQueued('paused');
  await next.executeUpdate('stopTraining');
  await untilTraining('paused');
  await paused.executeUpdate('stopTraining');
  await Promise.all([paused, next, later].map((handle) => handle.result()));
  assert.deepEqual(begun('paused', 'next', 'later'), ['paused', 'next', 'paused', 'later']);
});

test("a person's run goes before those of a sweep, and a failed attempt before those that never began", async () => {
  const record = cluster.recordOf('sweep-0');
  const first = await cluster.startRun('sweep-0', training(LONG), SWEEP);
  await untilTraining('sweep-0');
  const second = await cluster.startRun('sweep-1', training(1), SWEEP);
  await untilQueued('sweep-1');
  const person = await cluster.startRun('person', training(LONG));
  await untilQueued('person');
  record.failTraining = ApplicationFailure.create({ message: 'interrupted', nextRetryDelay: '1 second' });
  await untilTraining('person');
  record.failTraining = null;
  // It is back in the queue.
  await untilSo(async () => {
    const [retried] = activitiesOf(await cluster.client.workflow.getHandle('sweep-0/train').describe());
    return retried?.attempt === 2 && (retried.nextAttemptMs ?? 0) < Date.now() - 500;
  });
  await person.executeUpdate('stopTraining');
  await untilTraining('sweep-0');
  await first.executeUpdate('stopTraining');
  await Promise.all([first, second, person].map((handle) => handle.result()));
  assert.deepEqual(begun('sweep-0', 'sweep-1', 'person'), ['sweep-0', 'person', 'sweep-0', 'sweep-1']);
});

test('a training waits for a worker that can do it, and says what that worker needs', async () => {
  const special = await cluster.startRun('special', training(1, { engine: 'stylegan3', cfg: 'stylegan3-t' }));
  await untilQueued('special');
  const { waiting } = await progressOf(cluster.client, 'special');
  assert.equal(waiting?.reason, 'no-able-worker');
  assert.match(waiting?.message ?? '', /it needs a checkout of the official trainer/);
  const end = await cluster.startWorker('gpu', { ...ORDINARY, hasStylegan3: true });
  await special.result();
  assert.equal(cluster.done.findLast(({ type }) => type === 'train')?.device, 2);
  await end();
});

test('a training of a sweep that no device took for a day counts as one of a person', async () => {
  const run = await cluster.startRun('late', training(1, { engine: 'stylegan3', cfg: 'stylegan3-t' }), SWEEP);
  await untilQueued('late');
  const handle = cluster.client.workflow.getHandle('late/train');
  const priority = async () => activitiesOf(await handle.describe())[0]?.priorityKey;
  assert.equal(await priority(), SWEEP_PRIORITY_KEY);
  const { raw } = await handle.describe();
  const { activityId, activityOptions } = raw.pendingActivities?.[0] ?? assert.fail();
  assert.equal(Number(activityOptions?.scheduleToStartTimeout?.seconds), 86_400);
  // The day is shortened.
  await cluster.client.workflowService.updateActivityOptions({
    namespace: 'default',
    execution: { workflowId: 'late/train' },
    id: activityId,
    activityOptions: { scheduleToStartTimeout: { seconds: 1 as never } },
    updateMask: { paths: ['schedule_to_start_timeout'] },
  });
  await untilSo(async () => (await priority()) === 3);
  await run.terminate();
});

test('a device with several queues trains one at a time, and none of them starves', async () => {
  const end = await cluster.startWorker('gpu', { ...ORDINARY, hasStylegan3: true });
  const official = { engine: 'stylegan3', cfg: 'stylegan3-t' } as const;
  const specs = [training(5, official), training(5)];
  const handles = await Promise.all(
    Array.from({ length: 6 }, (_, i) => cluster.startRun(`mixed-${i}`, specs[i % 2])),
  );
  await Promise.all(handles.map((handle) => handle.result()));
  const runs = cluster.done.filter(({ type, runId }) => type === 'train' && runId.startsWith('mixed-'));
  for (const one of runs)
    for (const other of runs)
      if (one !== other && one.device === other.device)
        assert.ok(one.endedMs <= other.startedMs || other.endedMs <= one.startedMs, 'at the same time');
  await end();
});
