/** The hyperparameter sweep: its runs, promotions, failures, additions and new histories. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { WorkflowFailedError, type WorkflowHandle, WorkflowUpdateFailedError } from '@temporalio/client';
import { asFailure } from '../../../src/activities/failures.js';
import { TrainingError } from '../../../src/core/errors.js';
import {
  type HyperparameterSweepInput,
  type Setting,
  type SettingPoint,
  settingId,
} from '../../../src/spec/hyperparameter-sweep.js';
import type { SweepProgress, SweepResult } from '../../../src/spec/sweep.js';
import { addSettingsUpdate, retryRunsUpdate } from '../../../src/workflows/messages.js';
import { rootOf } from '../../support/failed-runs.js';
import { SimulatedDeployment, untilSo } from '../../support/simulated-deployment.js';

const NAN = asFailure(new TrainingError({ what: 'a loss is NaN' }), { attempt: 1, elapsedMs: 0 }) as Error;

let deployment: SimulatedDeployment;
before(async () => {
  deployment = await SimulatedDeployment.start({ shards: 1 });
});
after(() => deployment.stop());

function specOf(sweep: Partial<HyperparameterSweepInput> = {}, kimg = 1): HyperparameterSweepInput {
  return {
    name: 'tuning',
    run: {
      name: 'knee',
      preprocess: { source: '/data/knee' },
      train: { kimg, snapshotKimg: 1, stopWhen: null },
    },
    keys: { 'train.gamma': [2, 8] },
    repeats: 2,
    ...sweep,
  };
}

const idOf = (gamma: number) => settingId({ 'train.gamma': gamma });
const recordOf = (sweep: string, gamma: number, repeat = 0) =>
  deployment.recordOf(`${sweep}-${idOf(gamma)}-${repeat}`);
const progressOf = (handle: WorkflowHandle) => handle.query<SweepProgress<SettingPoint>, []>('progress');
const resultOf = async (handle: WorkflowHandle) => (await handle.result()) as SweepResult;
const read = async (key: string) => Buffer.from(await deployment.store.get(key)).toString('utf8');

test('every setting and the default are trained with every seed, compared, and reported', async () => {
  const { runs, report, answer } = await resultOf(await deployment.startSweep('all', specOf()));
  assert.deepEqual(runs, { done: 6 });
  assert.match(answer, /train\.gamma = 8, reaches fd_effnetlite0\.holdout 7\.95; the default 10\.9/);
  assert.match(answer, /this setting is better than the default/);
  assert.equal(recordOf('all', 8, 1).spec?.train.gamma, 8);
  assert.equal(recordOf('all', 8, 1).spec?.train.seed, 1);
  assert.equal(deployment.recordOf('all-default-0').spec?.train.gamma, 'auto');
  const page = await read(report);
  assert.match(page, /fewer than 8 do not tell the effect of a key from chance/);
  assert.match(page, /<svg[^>]*role="img"/);
  const csv = (await read('sweeps/all/sweep.csv')).trim().split('\r\n');
  assert.equal(csv.length, 7);
  assert.match(csv[0] ?? '', /^run,setting,train\.gamma,repeat,kimg,/);
  assert.ok(await deployment.store.head('sweeps/all/figures/settings.svg'));
});

test('with halving poor settings stop early, keep their checkpoints, and good ones continue theirs', async () => {
  const spec = specOf(
    { keys: { 'train.gamma': [1, 2, 4, 8, 16, 32] }, halving: { minKimg: 1 }, repeats: 1, parallel: 2 },
    9,
  );
  const { runs, answer } = await resultOf(await deployment.startSweep('halved', spec));
  // All 7 for 1 kimg, the best 2 of 6 and the default for 3, the best and the default for 9.
  assert.match(answer, /The best of 6 other settings, train\.gamma = 8/);
  const kimg = [1, 2, 4, 8, 16, 32].map((gamma) => recordOf('halved', gamma).kimg);
  assert.equal(kimg[3], 9, `${kimg}`);
  assert.equal(deployment.recordOf('halved-default-0').kimg, 9);
  assert.ok(kimg.filter((one) => one === 1).length >= 3, `${kimg}`);
  assert.deepEqual(recordOf('halved', 8).resumedKimg, [0, 1, 3], 'each rung continues the one before');
  const { settings } = JSON.parse(await read('sweeps/halved/sweep.json'));
  assert.equal(settings.filter((row: { kimg: number }) => row.kimg === 1).length, 7);
  const again = await resultOf(await deployment.startSweep('halved', spec));
  assert.deepEqual(again.runs, runs);
  assert.deepEqual(recordOf('halved', 8).resumedKimg, [0, 1, 3], 'nothing is trained twice');
});

test('a failed run loses nothing else and is retried alone', async () => {
  recordOf('failing', 2).failTraining = NAN;
  const hold = deployment.wait();
  recordOf('failing', 8, 1).holdPlan = hold.over;
  const handle = await deployment.startSweep('failing', specOf());
  await untilSo(async () => (await progressOf(handle)).runs.some(({ state }) => state === 'failed'));
  recordOf('failing', 2).failTraining = null;
  assert.equal((await handle.executeUpdate(retryRunsUpdate)).changed, true);
  hold.end();
  assert.deepEqual((await resultOf(handle)).runs, { done: 6 });
  assert.equal(recordOf('failing', 8).trainActivities, 1);
});

test('settings are added while it runs, once each, and wrong ones are refused', async () => {
  const hold = deployment.wait();
  deployment.recordOf('adding-default-0').holdPlan = hold.over;
  const handle = await deployment.startSweep('adding', specOf({ repeats: 1 }));
  await untilSo(async () => (await progressOf(handle)).runs.length === 3);
  const wrong: Setting[] = [{ 'train.gamma': -1 }, { 'train.batch': 8 }];
  for (const setting of wrong)
    await assert.rejects(
      handle.executeUpdate(addSettingsUpdate, { args: [{ settings: [setting] }] }),
      WorkflowUpdateFailedError,
    );
  const args: [{ settings: { 'train.gamma': number }[] }] = [
    { settings: [{ 'train.gamma': 2 }, { 'train.gamma': 4 }] },
  ];
  assert.match((await handle.executeUpdate(addSettingsUpdate, { args })).message, /Added: 1 settings/);
  assert.equal((await handle.executeUpdate(addSettingsUpdate, { args })).changed, false);
  hold.end();
  assert.deepEqual((await resultOf(handle)).runs, { done: 4 });
  assert.equal(JSON.parse(await read('sweeps/adding/spec.json')).spec.settings.length, 2);
});

test('cancelling keeps what has finished, with its report, and the same sweep continues there', async () => {
  const spec = specOf({ repeats: 1, parallel: 1, halving: { minKimg: 1, factor: 10 } }, 30);
  const handle = await deployment.startSweep('cancelled', spec);
  await untilSo(async () => deployment.recordOf('cancelled-default-0').kimg >= 5);
  await handle.cancel();
  await assert.rejects(handle.result(), WorkflowFailedError);
  assert.ok((await read('sweeps/cancelled/report.html')).includes('Runs without a result'));
  const { runs } = await resultOf(await deployment.startSweep('cancelled', spec));
  assert.equal(runs.failed, undefined);
  assert.equal(deployment.recordOf('cancelled-default-0').kimg, 30);
});

test('a sweep of many runs continues as new between promotions, and trains each length once', async () => {
  const gammas = [1, 2, 4, 8, 16, 32];
  const spec = specOf(
    { keys: { 'train.gamma': gammas }, halving: { minKimg: 1 }, repeats: 1, parallel: 2 },
    3,
  );
  const handle = await deployment.startSweep('many', spec, 60);
  const { runId: started } = await handle.describe();
  assert.equal((await resultOf(handle)).runs.failed, undefined);
  assert.notEqual((await deployment.client.workflow.getHandle('many').describe()).runId, started);
  for (const gamma of gammas) {
    const { resumedKimg } = recordOf('many', gamma);
    assert.deepEqual(resumedKimg, [0, 1].slice(0, resumedKimg.length));
  }
  assert.equal(recordOf('many', 8).kimg, 3);
});

test('a spec that cannot be run is refused with every wrong key', async () => {
  const handle = await deployment.startSweep(
    'wrong',
    specOf({ keys: { 'train.gama': [1], 'train.batch': [0] } }),
  );
  await assert.rejects(handle.result(), (error: WorkflowFailedError) => {
    const { message } = rootOf(error);
    assert.match(message, /train\.gama: unknown key/);
    assert.match(message, /train\.batch/);
    return true;
  });
});
