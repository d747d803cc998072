/**
 * Temporal's own commands on a training: pause, unpause and reset of its activity, and reset of its
 * run. The training never ends early, and never runs twice.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { progressOf } from '../../../src/client/index.js';
import type { PipelineInput } from '../../../src/spec/pipeline.js';
import { Rig, TINY_TRAIN, until } from '../../support/rig.js';

let rig: Rig;
let spec: PipelineInput;

before(async () => {
  rig = await Rig.start();
  spec = {
    name: 'takeover',
    stages: ['preprocess', 'train'],
    preprocess: { source: await rig.phantoms(60), resolution: 16, shardImages: 16 },
    train: { ...TINY_TRAIN, kimg: 8, snapshotKimg: 8 },
  };
});

after(() => rig.stop());

const namespace = 'default';
const trainingOf = (runId: string) => ({ workflowId: `${runId}/train` });
const activity = { identity: 'test', type: 'train' };

async function untilItTrains(runId: string): Promise<void> {
  await until('steps are taken', async () => ((await rig.liveStep(runId)) ?? 0) > 0);
}

async function untilNoTrainer(): Promise<void> {
  await until('the device is free', async () => rig.trainerPids().length === 0);
}

test('a paused train activity frees the device with a checkpoint, and resumes there when unpaused', async () => {
  const handle = await rig.startRun('activity-paused', spec);
  await untilItTrains('activity-paused');
  const { workflowService } = rig.client;
  const execution = trainingOf('activity-paused');
  await workflowService.pauseActivity({ namespace, execution, ...activity, reason: 'maintenance' });
  await untilNoTrainer();
  const left = await rig.newestCheckpoint('activity-paused');
  assert.ok(left && left.step > 0, 'a checkpoint was left');
  assert.equal((await handle.describe()).status.name, 'RUNNING');
  assert.deepEqual(rig.trainerPids(), [], 'no other attempt starts');
  const { waiting } = await progressOf(rig.client, 'activity-paused');
  assert.equal(waiting?.reason, 'activity-paused', JSON.stringify(waiting));
  assert.match(waiting.command ?? '', /^temporal activity unpause --workflow-id activity-paused\/train/);
  await workflowService.unpauseActivity({ namespace, execution, ...activity });
  const result = await rig.result('activity-paused');
  assert.equal(result.stages.train?.ended, 'complete');
  assert.deepEqual(rig.resumedSteps('activity-paused'), [0, left.step]);
});

test('a reset run ends the training of its earlier execution with a checkpoint, and resumes there', async () => {
  // Another seed: the result of the other run is not reused.
  const handle = await rig.startRun('run-reset', { ...spec, train: { ...spec.train, seed: 1 } });
  await untilItTrains('run-reset');
  const { runId } = await handle.describe();
  const { events } = await handle.fetchHistory();
  const first = events?.find(({ workflowTaskCompletedEventAttributes: completed }) => completed);
  await rig.client.workflowService.resetWorkflowExecution({
    namespace,
    workflowExecution: { workflowId: 'run-reset', runId },
    reason: 'test',
    requestId: 'reset-once',
    workflowTaskFinishEventId: first?.eventId,
  });
  const result = await rig.result('run-reset');
  assert.equal(result.stages.train?.ended, 'complete');
  assert.equal(result.stages.train?.last.kimg, 8);
  const [start, resumed] = rig.resumedSteps('run-reset');
  assert.equal(start, 0);
  assert.ok((resumed ?? 0) > 0, 'the second training resumes from the checkpoint of the first');
});
