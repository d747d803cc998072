/**
 * Updates of a running pipeline: pause, resume, stop, extend, cancel; on a real server, with
 * simulated activities.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { WorkflowFailedError, type WorkflowHandle, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import {
  extendTrainingUpdate,
  pauseUpdate,
  resumeUpdate,
  stopTrainingUpdate,
} from '../../../src/workflows/messages.js';
import { progressOf, resultOf, SimulatedDeployment, untilSo } from '../../support/simulated-deployment.js';

let deployment: SimulatedDeployment;
before(async () => {
  deployment = await SimulatedDeployment.start();
});
after(() => deployment.stop());

const recordOf = (runId: string) => deployment.recordOf(runId);
const kimgOf = async (handle: WorkflowHandle) => (await progressOf(handle)).train?.kimg ?? 0;

test('a run trains all its kimg, evaluates every snapshot and results in the best one', async () => {
  recordOf('plain').fd = (kimg) => Math.abs(kimg - 3);
  const handle = await deployment.startRun('plain', { kimg: 5 });
  const result = await resultOf(handle);
  assert.equal(result.stages.train?.checkpoint.kimg, 3);
  assert.equal(result.stages.train?.last.kimg, 5);
  assert.equal(result.stages.train?.ended, 'complete');
  assert.deepEqual(
    result.stages.train?.curve.map(({ kimg }) => kimg),
    [1, 2, 3, 4, 5],
  );
  assert.deepEqual(recordOf('plain').matchesSpec, ['train']);
});

test('pause writes a checkpoint and releases the device, a second pause changes nothing, and resume continues from there', async () => {
  const handle = await deployment.startRun('paused', { kimg: 30 });
  await untilSo(async () => (await kimgOf(handle)) >= 3);
  const first = await handle.executeUpdate(pauseUpdate);
  const second = await handle.executeUpdate(pauseUpdate);
  assert.equal(first.changed, true);
  assert.match(first.message, /Paused at \d+ kimg, checkpoint /);
  assert.equal(second.changed, false);
  assert.equal((await progressOf(handle)).state, 'paused');
  const { kimg, trainActivities } = recordOf('paused');
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.equal(recordOf('paused').kimg, kimg);
  assert.equal((await handle.executeUpdate(resumeUpdate)).changed, true);
  assert.equal((await handle.executeUpdate(resumeUpdate)).changed, false);
  const result = await resultOf(handle);
  assert.equal(result.stages.train?.last.kimg, 30);
  assert.equal(recordOf('paused').trainActivities, trainActivities + 1);
});

test('a pause that meets the end of a run lets it end, and says so', async () => {
  const recording = deployment.wait();
  recordOf('paused-late').holdRecord = recording.over;
  const handle = await deployment.startRun('paused-late', {}, ['preprocess']);
  const isRecording = async () => {
    const { raw } = await handle.describe();
    return (raw.pendingActivities ?? []).some(({ activityType }) => activityType?.name === 'recordStage');
  };
  await untilSo(isRecording);
  const reply = handle.executeUpdate(pauseUpdate);
  await untilSo(async () => (await progressOf(handle)).state === 'pausing');
  recording.end();
  assert.equal((await reply).message, 'The run ended before it could pause.');
  assert.ok((await resultOf(handle)).stages.preprocess);
  assert.equal((await progressOf(handle)).state, 'done');
});

test('stopTraining keeps the snapshots, continues with the next stage, and no later run reuses the result as complete', async () => {
  const handle = await deployment.startRun('stopped', { kimg: 1000 });
  await untilSo(async () => (await kimgOf(handle)) >= 2);
  assert.equal((await handle.executeUpdate(stopTrainingUpdate)).changed, true);
  const result = await resultOf(handle);
  assert.equal(result.stages.train?.ended, 'stopped');
  assert.ok((result.stages.train?.last.kimg ?? 0) < 1000);
  assert.deepEqual(recordOf('stopped').matchesSpec, []);
});

test('extendTraining raises the length, refuses to shorten it, and reports what it did', async () => {
  // Until then the run does not end, however slow the machine is.
  const evaluation = deployment.wait();
  recordOf('extended').holdEvaluations = evaluation.over;
  const handle = await deployment.startRun('extended', { kimg: 12 });
  await untilSo(async () => (await kimgOf(handle)) >= 2);
  await assert.rejects(
    handle.executeUpdate(extendTrainingUpdate, { args: [{ kimg: 1 }] }),
    (error: unknown) => {
      assert.ok(error instanceof WorkflowUpdateFailedError);
      assert.match(String(error.cause?.message), /less than the present 12/);
      return true;
    },
  );
  await assert.rejects(
    handle.executeUpdate('extendTraining', { args: [{ kimg: 'many' }] }),
    WorkflowUpdateFailedError,
  );
  assert.equal((await handle.executeUpdate(extendTrainingUpdate, { args: [{ kimg: 20 }] })).changed, true);
  assert.equal((await handle.executeUpdate(extendTrainingUpdate, { args: [{ kimg: 20 }] })).changed, false);
  evaluation.end();
  assert.equal((await resultOf(handle)).stages.train?.last.kimg, 20);
  assert.deepEqual(recordOf('extended').matchesSpec, []);
});

test('stopTraining is refused before the training has started', async () => {
  const planning = deployment.wait();
  recordOf('early').holdPlan = planning.over;
  const handle = await deployment.startRun('early', { kimg: 2 });
  await assert.rejects(handle.executeUpdate(stopTrainingUpdate), (error: unknown) => {
    assert.ok(error instanceof WorkflowUpdateFailedError);
    assert.match(String(error.cause?.message), /has not started/);
    return true;
  });
  planning.end();
  assert.equal((await resultOf(handle)).stages.train?.ended, 'complete');
});

test('an extension that arrives while the last snapshots are evaluated is trained', async () => {
  const evaluation = deployment.wait();
  recordOf('extended-late').holdEvaluations = evaluation.over;
  const handle = await deployment.startRun('extended-late', { kimg: 3 });
  await untilSo(async () => (await kimgOf(handle)) >= 3);
  assert.equal((await handle.executeUpdate(extendTrainingUpdate, { args: [{ kimg: 6 }] })).changed, true);
  await untilSo(async () => (await kimgOf(handle)) >= 6);
  evaluation.end();
  const result = await resultOf(handle);
  assert.equal(result.stages.train?.last.kimg, 6);
  assert.deepEqual(
    result.stages.train?.curve.map(({ kimg }) => kimg),
    [1, 2, 3, 4, 5, 6],
  );
});

test('a target that falls between two images is reached by whole ones', async () => {
  const handle = await deployment.startRun('fraction', { kimg: 3.0004 });
  const record = recordOf('fraction');
  record.countsWholeImages = true;
  const result = await resultOf(handle);
  assert.equal(result.stages.train?.last.kimg, 3);
  assert.equal(record.trainActivities, 1);
});

test('a metric that no longer decreases ends the training, with the best snapshot as its result', async () => {
  recordOf('converged').fd = (kimg) => (kimg <= 4 ? 100 - kimg : 100);
  const handle = await deployment.startRun('converged', { kimg: 1000, stopWhen: { patience: 3 } });
  const { train } = (await resultOf(handle)).stages;
  assert.equal(train?.ended, 'converged');
  assert.equal(train?.checkpoint.kimg, 4);
});

test('a training that cannot continue fails the run with its own error type', async () => {
  recordOf('nan').failTraining = ApplicationFailure.nonRetryable(
    'Loss/G/loss is NaN at step 7.',
    'TrainingError',
  );
  const handle = await deployment.startRun('nan', { kimg: 5 });
  await assert.rejects(handle.result(), (error: unknown) => {
    assert.ok(error instanceof WorkflowFailedError);
    let cause: Error | undefined = error.cause;
    while (cause?.cause instanceof Error) cause = cause.cause;
    assert.ok(cause instanceof ApplicationFailure);
    assert.equal(cause.type, 'TrainingError');
    return true;
  });
});

test('cancelling a run cancels its training', async () => {
  const handle = await deployment.startRun('cancelled', { kimg: 1000 });
  await untilSo(async () => (await kimgOf(handle)) >= 2);
  await handle.cancel();
  await assert.rejects(
    handle.result(),
    (error: unknown) => error instanceof WorkflowFailedError && error.cause instanceof CancelledFailure,
  );
  const { kimg } = recordOf('cancelled');
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(recordOf('cancelled').kimg, kimg);
});

test('an invalid spec fails the run immediately, and the error names the key', async () => {
  const spec = { name: 'x', preprocess: { source: '/d' }, trian: {} };
  const handle = await deployment.startWith('bad-spec', spec);
  await assert.rejects(handle.result(), (error: unknown) => {
    assert.ok(error instanceof WorkflowFailedError);
    const failure = error.cause?.cause;
    assert.ok(failure instanceof ApplicationFailure);
    assert.equal(failure.type, 'SpecError');
    assert.match(failure.message, /did you mean "train"/);
    return true;
  });
});

test('hundreds of shards are each built once, in child workflows that keep the histories short', async () => {
  recordOf('shards').plannedShards = 450;
  const handle = await deployment.startRun('shards', {}, ['preprocess']);
  await handle.result();
  const { shards } = recordOf('shards');
  assert.equal(new Set(shards).size, 450);
  const { historyLength } = await handle.describe();
  assert.ok(historyLength < 120, `${historyLength} events`);
});
