/** Runs that cannot continue now: what is kept, what is shown, and how they continue. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { WorkflowFailedError, type WorkflowHandle, WorkflowUpdateFailedError } from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import { asFailure } from '../../../src/activities/failures.js';
import { CheckpointLostError, StoreAccessError } from '../../../src/core/errors.js';
import {
  extendTrainingUpdate,
  pauseUpdate,
  resumeUpdate,
  stopTrainingUpdate,
} from '../../../src/workflows/messages.js';
import {
  progressOf,
  resultOf,
  SimulatedDeployment,
  untilSo,
  untilState,
} from '../../support/simulated-deployment.js';

/** What a train activity fails with when its checkpoints are gone. */
const LOST = asFailure(
  new CheckpointLostError({ what: 'D.safetensors is missing', where: 'runs/r/train/', hint: 'Put it back.' }),
  { attempt: 1, elapsedMs: 0 },
) as Error;
/** What a shard fails with after its last attempt on workers without access to the store. */
const REFUSED = asFailure(new StoreAccessError({ what: 'the session token has expired' }), {
  attempt: 8,
  elapsedMs: 60_000,
}) as Error;

let deployment: SimulatedDeployment;
before(async () => {
  deployment = await SimulatedDeployment.start({ shards: 40 });
});
after(() => deployment.stop());

test('a training whose checkpoints are lost waits for its user, tells somebody once, and continues when resumed', async () => {
  const record = deployment.recordOf('lost');
  const handle = await deployment.startRun('lost', { kimg: 20 });
  await untilSo(async () => record.kimg >= 3);
  await handle.executeUpdate(pauseUpdate);
  const { kimg } = record;
  record.failTraining = LOST;
  await handle.executeUpdate(resumeUpdate);
  const { attention, train } = await untilState(handle, 'needs-attention');
  assert.equal(attention?.type, 'CheckpointLostError');
  assert.equal(attention?.stage, 'train');
  assert.match(attention?.message ?? '', /D\.safetensors is missing.*Put it back/);
  assert.equal(train?.lastCheckpoint?.kimg, kimg, 'it shows the checkpoint that it had');
  assert.equal(record.expected.at(-1)?.kimg, kimg, 'the trainer knows that there was one');
  // The message is sent beside the run, which does not wait for it.
  await untilSo(async () => record.notified.length > 0);
  assert.deepEqual(record.notified, [attention]);

  record.failTraining = null;
  const { changed, message } = await handle.executeUpdate(resumeUpdate);
  assert.ok(changed);
  assert.match(message, /Trying again/);
  assert.equal((await resultOf(handle)).stages.train?.last.kimg, 20);
  assert.equal((await progressOf(handle)).attention, null);
});

test('a resumed run whose cause is still there parks again', async () => {
  const record = deployment.recordOf('parks-again');
  record.failTraining = LOST;
  const handle = await deployment.startRun('parks-again', { kimg: 2 });
  const { attention } = await untilState(handle, 'needs-attention');
  await handle.executeUpdate(resumeUpdate);
  await untilSo(async () => record.notified.length === 2);
  const second = await untilState(handle, 'needs-attention');
  assert.ok((second.attention?.sinceMs ?? 0) > (attention?.sinceMs ?? 0));
  record.failTraining = null;
  await handle.executeUpdate(resumeUpdate);
  await handle.result();
});

test('shards that no worker can make park the run, and a resumed run makes each of them', async () => {
  const record = deployment.recordOf('no-access');
  record.failShards = REFUSED;
  const handle = await deployment.startRun('no-access', {}, ['preprocess']);
  const { attention } = await untilState(handle, 'needs-attention');
  assert.equal(attention?.stage, 'preprocess');
  assert.equal(attention?.attempts, 8);
  record.failShards = null;
  await handle.executeUpdate(resumeUpdate);
  await handle.result();
  assert.equal(new Set(record.shards).size, 40);
  assert.equal(record.notified.length, 1);
});

test('a parked training can be stopped: the run continues with its last checkpoint', async () => {
  const record = deployment.recordOf('stopped-parked');
  const handle = await deployment.startRun('stopped-parked', { kimg: 1000 });
  await untilSo(async () => record.kimg >= 2);
  await handle.executeUpdate(pauseUpdate);
  record.failTraining = LOST;
  await handle.executeUpdate(resumeUpdate);
  await untilState(handle, 'needs-attention');
  await handle.executeUpdate(stopTrainingUpdate);
  const { train } = (await resultOf(handle)).stages;
  assert.equal(train?.ended, 'stopped');
  assert.equal(train?.last.kimg, record.kimg);
});

test('a parked run can be cancelled', async () => {
  deployment.recordOf('cancelled-parked').failTraining = LOST;
  const handle = await deployment.startRun('cancelled-parked', { kimg: 2 });
  await untilState(handle, 'needs-attention');
  await handle.cancel();
  await assert.rejects(
    handle.result(),
    (error: unknown) => error instanceof WorkflowFailedError && error.cause instanceof CancelledFailure,
  );
});

test('evaluations that fail are gaps in the curve, and the training goes its full length', async () => {
  deployment.recordOf('gaps').failEvaluations = REFUSED;
  const handle = await deployment.startRun('gaps', { kimg: 5 });
  const { train } = (await resultOf(handle)).stages;
  assert.equal(train?.ended, 'complete');
  assert.equal(train?.last.kimg, 5);
  assert.deepEqual(train?.curve, []);
  assert.deepEqual(
    train?.gaps?.map(({ kimg }) => kimg).sort((a, b) => a - b),
    [1, 2, 3, 4, 5],
  );
  assert.match(train?.gaps?.[0]?.reason ?? '', /StoreAccessError: the session token has expired/);
});

test('a training does not wait for slow evaluations; the oldest waiting snapshots become gaps', async () => {
  const evaluations = deployment.wait();
  const record = deployment.recordOf('slow-evaluations');
  record.holdEvaluations = evaluations.over;
  const handle = await deployment.startRun('slow-evaluations', { kimg: 30 });
  await untilSo(async () => record.kimg >= 30);
  evaluations.end();
  const { train } = (await resultOf(handle)).stages;
  assert.equal(train?.last.kimg, 30);
  assert.equal((train?.curve.length ?? 0) + (train?.gaps?.length ?? 0), 30);
  assert.ok((train?.gaps?.length ?? 0) >= 10);
  assert.equal(train?.curve.at(-1)?.kimg, 30, 'the newest is evaluated');
});

test('a training with a long history continues as new with its curve, its gaps and its checkpoint', async () => {
  const handle = await deployment.startTraining('long');
  const result = await handle.result();
  assert.equal(result.last.kimg, 30);
  assert.equal(result.curve.length + (result.gaps?.length ?? 0), 30);
  const record = deployment.recordOf('long');
  assert.ok(record.trainActivities > 1);
  assert.equal(record.expected.at(-1)?.kimg, record.resumedKimg.at(-1), 'it resumes where it was');
});

for (const shards of [40, 450]) {
  test(`pause stops ${shards} shards within the window in flight, and is pausing until then`, async () => {
    const runId = `paused-${shards}`;
    const record = deployment.recordOf(runId);
    const window = deployment.wait();
    Object.assign(record, { plannedShards: shards, holdShards: window.over });
    const handle = await deployment.startRun(runId, {}, ['preprocess']);
    await untilSo(async () => (await progressOf(handle)).stages.preprocess === 'running');
    await untilSo(async () => record.startedShards > 0);
    const reply = handle.executeUpdate(pauseUpdate);
    await untilState(handle, 'pausing');
    window.end();
    assert.match((await reply).message, /^Paused/);
    assert.equal((await progressOf(handle)).state, 'paused');
    const { startedShards } = record;
    assert.ok(startedShards <= 8, `${startedShards} shards`);
    await handle.executeUpdate(resumeUpdate);
    await handle.result();
    assert.equal(new Set(record.shards).size, shards);
    assert.equal(record.shards.length, shards, 'each is made once');
  });
}

/** @param index which of the completed workflow tasks */
async function resetTo(handle: WorkflowHandle, index: number): Promise<void> {
  const { workflowId, runId } = await handle.describe();
  const { events } = await handle.fetchHistory();
  const tasks = events?.flatMap(({ eventId, workflowTaskCompletedEventAttributes: completed }) =>
    completed && eventId ? [eventId] : [],
  );
  await deployment.client.workflowService.resetWorkflowExecution({
    namespace: 'default',
    workflowExecution: { workflowId, runId },
    reason: 'test',
    requestId: workflowId,
    workflowTaskFinishEventId: tasks?.at(index),
  });
}

/** Which completed workflow task a run is reset to. */
for (const [point, index] of [
  ['before its training started', 0],
  ['after its training started', -1],
] as const) {
  test(`a run that is reset to a point ${point} trains to its end, never twice at a time`, async () => {
    const workflowId = `reset ${point}`.replaceAll(' ', '-');
    const record = deployment.recordOf(workflowId);
    const handle = await deployment.startRun(workflowId, { kimg: 60 });
    await untilSo(async () => record.kimg >= 5);
    await resetTo(handle, index);
    const { train } = (await deployment.client.workflow.getHandle(workflowId).result()).stages;
    assert.equal(train?.ended, 'complete');
    assert.equal(train?.last.kimg, 60);
    assert.equal(record.trainings.most, 1, 'never two trainings at a time');
  });
}

test('a run that is retried after it was stopped keeps that, its curve and its best snapshot', async () => {
  const record = deployment.recordOf('stopped-again');
  record.fd = (kimg) => Math.abs(kimg - 2);
  const handle = await deployment.startRun('stopped-again', { kimg: 1000 });
  await untilSo(async () => record.curve.length >= 3);
  await handle.executeUpdate(stopTrainingUpdate);
  const first = (await resultOf(handle)).stages.train;
  const { trainActivities } = record;
  const again = (await resultOf(await deployment.retryRun('stopped-again', { kimg: 1000 }))).stages.train;
  assert.equal(again?.ended, 'stopped');
  assert.deepEqual(again?.last, first?.last);
  assert.deepEqual(again?.curve, first?.curve);
  assert.equal(again?.checkpoint.kimg, 2);
  assert.equal(record.trainActivities, trainActivities, 'nothing is trained');
});

test('a run that is started under the id of a stopped one trains as long as its own spec says, from there', async () => {
  const record = deployment.recordOf('started-afresh');
  const handle = await deployment.startRun('started-afresh', { kimg: 1000 });
  await untilSo(async () => record.kimg >= 2);
  await handle.executeUpdate(stopTrainingUpdate);
  const first = (await resultOf(handle)).stages.train;
  const kimg = (first?.last.kimg ?? 0) + 2;
  const { train } = (await resultOf(await deployment.startRun('started-afresh', { kimg }))).stages;
  assert.deepEqual([train?.ended, train?.last.kimg], ['complete', kimg]);
  assert.equal(record.resumedKimg.at(-1), first?.last.kimg);
});

test('a run that is reset after it was extended keeps its new length', async () => {
  const record = deployment.recordOf('extended-reset');
  const handle = await deployment.startRun('extended-reset', { kimg: 20 });
  await untilSo(async () => record.kimg >= 2);
  await handle.executeUpdate(extendTrainingUpdate, { args: [{ kimg: 25 }] });
  await untilSo(async () => record.directive?.targetKimg === 25);
  await resetTo(handle, 0);
  const { train } = (await resultOf(deployment.client.workflow.getHandle('extended-reset'))).stages;
  assert.equal(train?.last.kimg, 25);
});

test('a run that is retried after it was extended keeps its new length', async () => {
  const record = deployment.recordOf('extended-again');
  const handle = await deployment.startRun('extended-again', { kimg: 20 });
  await untilSo(async () => record.kimg >= 2);
  await handle.executeUpdate(extendTrainingUpdate, { args: [{ kimg: 25 }] });
  await handle.terminate('test');
  await untilSo(async () => record.trainings.running === 0);
  const { train } = (await resultOf(await deployment.retryRun('extended-again', { kimg: 20 }))).stages;
  assert.equal(train?.last.kimg, 25);
  assert.ok(!record.matchesSpec.includes('train'), 'no other run reuses it as one of 20 kimg');
});

test('extend is refused while the run is still starting', async () => {
  const resolving = deployment.wait();
  deployment.recordOf('starting').holdResolve = resolving.over;
  const handle = await deployment.startRun('starting', { kimg: 2 });
  await assert.rejects(
    handle.executeUpdate(extendTrainingUpdate, { args: [{ kimg: 9 }] }),
    (error: unknown) =>
      error instanceof WorkflowUpdateFailedError && /still starting/.test(String(error.cause)),
  );
  resolving.end();
  await handle.result();
});
