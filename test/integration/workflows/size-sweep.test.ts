/** The data-set-size sweep: its runs, failures, additions, cancellation and new histories. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { WorkflowFailedError, type WorkflowHandle, WorkflowUpdateFailedError } from '@temporalio/client';
import { asFailure } from '../../../src/activities/failures.js';
import { CheckpointLostError, TrainingError } from '../../../src/core/errors.js';
import type { DatasetSizeSweepInput, SizePoint } from '../../../src/spec/dataset-size-sweep.js';
import type { SweepProgress, SweepResult } from '../../../src/spec/sweep.js';
import { addSizesUpdate, retryRunsUpdate } from '../../../src/workflows/messages.js';
import { rootOf } from '../../support/failed-runs.js';
import { SimulatedDeployment, untilSo } from '../../support/simulated-deployment.js';

const NAN = asFailure(new TrainingError({ what: 'a loss is NaN' }), { attempt: 1, elapsedMs: 0 }) as Error;

let deployment: SimulatedDeployment;
before(async () => {
  deployment = await SimulatedDeployment.start({ shards: 1 });
});
after(() => deployment.stop());

function specOf(sweep: Partial<DatasetSizeSweepInput> = {}, kimg = 1): DatasetSizeSweepInput {
  return {
    name: 'sizes',
    run: {
      name: 'knee',
      preprocess: { source: '/data/knee' },
      train: { kimg, snapshotKimg: 1, stopWhen: null },
    },
    sizes: [100, 200],
    repeats: 2,
    ...sweep,
  };
}

const progressOf = (handle: WorkflowHandle) => handle.query<SweepProgress<SizePoint>, []>('progress');
const resultOf = async (handle: WorkflowHandle) => (await handle.result()) as SweepResult;
const readJson = async (key: string) =>
  JSON.parse(Buffer.from(await deployment.store.get(key)).toString('utf8'));
const trained = (...runIds: string[]) => runIds.map((runId) => deployment.recordOf(runId).trainActivities);

test('every size is trained with every seed on a subset of that size, and a report is written', async () => {
  const handle = await deployment.startSweep('all', specOf());
  const { runs, report, answer } = await resultOf(handle);
  assert.deepEqual(runs, { done: 4 });
  assert.match(answer, /From 100 to 200 images fd_effnetlite0\.holdout goes from 19\.\d* to 14\.\d*/);
  const { spec } = deployment.recordOf('all-200-1');
  assert.equal(spec?.preprocess?.limit, 200);
  assert.equal(spec?.train.seed, 1);
  assert.ok(await deployment.store.head(report));
  const csv = Buffer.from(await deployment.store.get('sweeps/all/sweep.csv')).toString('utf8');
  assert.equal(csv.trim().split('\r\n').length, 5);
  const { sizes, metric } = await readJson('sweeps/all/sweep.json');
  assert.equal(metric, 'fd_effnetlite0.holdout');
  assert.deepEqual(
    sizes.map(({ size, runs }: { size: number; runs: number }) => [size, runs]),
    [100, 200].map((size) => [size, 2]),
  );
  const { raw } = await deployment.client.workflow.getHandle('all-200-1').describe();
  assert.equal(raw.workflowExecutionInfo?.priority?.priorityKey, 4);
  assert.equal(raw.workflowExecutionInfo?.priority?.fairnessKey, 'all');
});

test('a failed run loses nothing else, and is retried alone, while the sweep runs and after its end', async () => {
  const hold = deployment.wait();
  deployment.recordOf('failing-100-0').failTraining = NAN;
  deployment.recordOf('failing-100-1').failTraining = NAN;
  deployment.recordOf('failing-200-1').holdPlan = hold.over;
  const handle = await deployment.startSweep('failing', specOf());
  await untilSo(
    async () => (await progressOf(handle)).runs.filter(({ state }) => state === 'failed').length === 2,
  );
  const failed = (await progressOf(handle)).runs.find(({ runId }) => runId === 'failing-100-0');
  assert.match(failed?.reason ?? '', /TrainingError: a loss is NaN/);

  deployment.recordOf('failing-100-0').failTraining = null;
  assert.equal((await handle.executeUpdate(retryRunsUpdate)).changed, true);
  await untilSo(async () =>
    (await progressOf(handle)).runs.some(({ runId, state }) => runId === 'failing-100-0' && state === 'done'),
  );
  hold.end();
  const { runs, report } = await resultOf(handle);
  assert.deepEqual(runs, { done: 3, failed: 1 });
  const page = Buffer.from(await deployment.store.get(report)).toString('utf8');
  assert.match(page, /failing-100-1: failed, TrainingError: a loss is NaN/);

  deployment.recordOf('failing-100-1').failTraining = null;
  const before = trained('failing-200-0', 'failing-200-1', 'failing-100-0');
  assert.deepEqual((await resultOf(await deployment.startSweep('failing', specOf()))).runs, { done: 4 });
  assert.deepEqual(trained('failing-200-0', 'failing-200-1', 'failing-100-0'), before, 'no other run ran');
});

test('sizes are added while it runs, once each, and wrong ones are refused', async () => {
  const hold = deployment.wait();
  deployment.recordOf('adding-100-0').holdPlan = hold.over;
  const handle = await deployment.startSweep('adding', specOf({ sizes: [100], repeats: 1 }));
  await untilSo(async () => (await progressOf(handle)).runs.length === 1);
  await assert.rejects(
    handle.executeUpdate(addSizesUpdate, { args: [{ sizes: [1.5] }] }),
    WorkflowUpdateFailedError,
  );
  const args: [{ sizes: number[] }] = [{ sizes: [100, 50] }];
  const { message } = await handle.executeUpdate(addSizesUpdate, { args });
  assert.match(message, /Added: 50 images/);
  assert.equal((await handle.executeUpdate(addSizesUpdate, { args })).changed, false);
  hold.end();
  assert.deepEqual((await resultOf(handle)).runs, { done: 2 });
  assert.deepEqual((await readJson('sweeps/adding/spec.json')).spec.sizes, [100, 50]);
});

test('cancelling keeps what has finished, with its report, and the same sweep continues there', async () => {
  const handle = await deployment.startSweep(
    'cancelled',
    specOf({ sizes: [100], repeats: 2, parallel: 1 }, 30),
  );
  deployment.recordOf('cancelled-100-0').kimg = 29;
  await untilSo(async () => deployment.recordOf('cancelled-100-1').kimg >= 2);
  await handle.cancel();
  await assert.rejects(handle.result(), WorkflowFailedError);
  const { kimg } = deployment.recordOf('cancelled-100-1');
  assert.ok(kimg < 30);
  assert.equal(deployment.recordOf('cancelled-100-1').trainings.running, 0, 'its run has ended before it');
  assert.equal((await readJson('sweeps/cancelled/sweep.json')).records.length, 1);
  const again = await deployment.startSweep('cancelled', specOf({ sizes: [100], repeats: 2 }, 30));
  assert.deepEqual((await resultOf(again)).runs, { done: 2 });
  assert.deepEqual(trained('cancelled-100-0'), [1]);
  assert.ok((deployment.recordOf('cancelled-100-1').resumedKimg.at(-1) ?? 0) >= kimg - 1, 'it resumed');
});

test('a sweep does not grow beyond the runs that its history can carry', async () => {
  const hold = deployment.wait();
  deployment.recordOf('large-100-0').holdPlan = hold.over;
  const handle = await deployment.startSweep('large', specOf({ sizes: [100], repeats: 20, parallel: 1 }));
  await untilSo(async () => (await progressOf(handle)).runs.length === 20);
  const sizes = Array.from({ length: 50 }, (_, i) => 200 + i);
  await assert.rejects(handle.executeUpdate(addSizesUpdate, { args: [{ sizes }] }), (error: Error) =>
    /more than 1000 runs/.test(String(error.cause)),
  );
  await handle.terminate();
  hold.end();
});

test('a cancelled sweep ends although its report cannot be written', async () => {
  const hold = deployment.wait();
  deployment.recordOf('unwritten-100-0').holdPlan = hold.over;
  const lost = new CheckpointLostError({ what: 'nothing is there' });
  deployment.recordOf('unwritten').failReport = asFailure(lost, { attempt: 1, elapsedMs: 0 }) as Error;
  const handle = await deployment.startSweep('unwritten', specOf({ sizes: [100], repeats: 1 }));
  await untilSo(async () => (await progressOf(handle)).runs.some(({ state }) => state === 'running'));
  await handle.cancel();
  hold.end();
  await assert.rejects(handle.result(), WorkflowFailedError);
  assert.equal((await handle.describe()).status.name, 'CANCELLED');
});

test('a sweep of many runs continues as new, and runs each of them once', async () => {
  const sizes = [100, 101, 102, 103, 104, 105];
  const handle = await deployment.startSweep('many', specOf({ sizes, repeats: 1, parallel: 2 }), 40);
  const { runId: started } = await handle.describe();
  assert.deepEqual((await resultOf(handle)).runs, { done: 6 });
  assert.deepEqual(
    trained(...sizes.map((size) => `many-${size}-0`)),
    sizes.map(() => 1),
  );
  const { historyLength, runId } = await deployment.client.workflow.getHandle('many').describe();
  assert.notEqual(runId, started, 'it is another execution');
  assert.ok(historyLength < 100, `${historyLength} events`);
});

test('over a growing source, a later sweep trains only the sizes that were not possible before', async () => {
  const spec = specOf({ sizes: [100, 200], repeats: 1, growing: true });
  deployment.source.images = 150;
  assert.deepEqual((await resultOf(await deployment.startSweep('night1', spec))).runs, {
    done: 1,
    unavailable: 1,
  });
  deployment.source.images = 250;
  assert.deepEqual((await resultOf(await deployment.startSweep('night2', spec))).runs, { done: 2 });
  assert.deepEqual(trained('night1-100-0', 'night2-100-0', 'night2-200-0'), [1, 0, 1]);
  const other = { ...spec, run: { ...spec.run, train: { ...spec.run.train, batch: 16 } } };
  await (await deployment.startSweep('night3', other)).result();
  assert.deepEqual(trained('night3-100-0'), [1], 'other settings are trained');
});

test('transfers wait for the model of the largest size, and fail with it', async () => {
  const spec = specOf({ sizes: [100, 200], repeats: 1, modes: ['transfer'] });
  const hold = deployment.wait();
  deployment.recordOf('moving-200-0').holdPlan = hold.over;
  deployment.recordOf('moving-200-0').failTraining = NAN;
  const handle = await deployment.startSweep('moving', spec);
  await untilSo(async () => (await progressOf(handle)).runs.length === 3);
  assert.deepEqual(
    (await progressOf(handle)).runs.map(({ state }) => state),
    ['running', 'waiting', 'waiting'],
  );
  hold.end();
  assert.deepEqual((await resultOf(handle)).runs, { failed: 3 });
  deployment.recordOf('moving-200-0').failTraining = null;
  assert.deepEqual((await resultOf(await deployment.startSweep('moving', spec))).runs, { done: 3 });
  const { spec: run } = deployment.recordOf('moving-transfer-100-0');
  assert.equal(run?.train.resume, 'moving-200-0');
});

test('a spec that cannot be run is refused with every wrong key', async () => {
  const spec = specOf({ sizes: [100, 100], metric: 'kid_inception' });
  const handle = await deployment.startSweep('wrong', {
    ...spec,
    run: { ...spec.run, preprocess: { source: '/data/knee', limit: 5 } },
  });
  await assert.rejects(handle.result(), (error: WorkflowFailedError) => {
    const { message } = rootOf(error);
    assert.match(message, /sizes: must not contain a size twice/);
    return true;
  });
});

test('a single run is taken before the runs of a sweep that wait for the same worker', async () => {
  const narrow = await SimulatedDeployment.start({ shards: 1, slots: 1 });
  try {
    const sizes = [10, 20, 30, 40];
    // The first run of the sweep has the only slot; the others wait with their plans.
    const hold = narrow.wait();
    for (const size of sizes) narrow.recordOf(`busy-${size}-0`).holdPlan = hold.over;
    const sweep = await narrow.startSweep('busy', specOf({ sizes, repeats: 1 }));
    const plans = () => narrow.source.begun.filter((work) => work.startsWith('plan busy'));
    await untilSo(async () => plans().length === 1);
    const single = await narrow.startRun('single', { kimg: 1 });
    await untilSo(async () => (await narrow.queuedActivities()) === sizes.length);
    hold.end();
    await single.result();
    assert.deepEqual((await resultOf(sweep)).runs, { done: 4 });
    const { begun } = narrow.source;
    const second = begun.indexOf(plans()[1] ?? '');
    assert.ok(begun.indexOf('resolve single') < second, begun.join(', '));
  } finally {
    await narrow.stop();
  }
});
