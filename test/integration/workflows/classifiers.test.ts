/** Classifiers in a run: each an activity, and none starts while it is paused (simulated). */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { pauseUpdate, resumeUpdate } from '../../../src/workflows/messages.js';
import { progressOf, resultOf, SimulatedDeployment, untilSo } from '../../support/simulated-deployment.js';

let deployment: SimulatedDeployment;
before(async () => {
  deployment = await SimulatedDeployment.start();
});
after(() => deployment.stop());

test('a run trains every classifier of its plan, shows how many, and starts none while it is paused', async () => {
  // Activities of classifiers know their data set only.
  const record = deployment.recordOf('datasets/d/');
  const { over, end } = deployment.wait();
  record.holdClassifiers = over;
  const handle = await deployment.startWith('classified', {
    name: 'classified',
    preprocess: { source: '/data/classified' },
    train: { kimg: 1, snapshotKimg: 1, stopWhen: null },
    evaluate: { ganTrainTest: true },
  });
  await untilSo(async () => (await progressOf(handle)).unit === 'classifiers');
  const pausing = handle.executeUpdate(pauseUpdate);
  await untilSo(async () => (await progressOf(handle)).state === 'pausing');
  end();
  await pausing;
  assert.equal((await progressOf(handle)).state, 'paused');
  const before = record.classifiers.length;
  assert.ok(before > 0 && before < 20, `${before} were in progress`);
  const { done, total, unit } = await progressOf(handle);
  assert.deepEqual([done, total, unit], [before, 20, 'classifiers']);
  await handle.executeUpdate(resumeUpdate);
  await resultOf(handle);
  assert.deepEqual(
    record.classifiers.sort((a, b) => a - b),
    Array.from({ length: 20 }, (_, i) => i),
  );
});
