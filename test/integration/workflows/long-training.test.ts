/** Trainings of many snapshots, and trainings without a run: histories, messages and results. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { WorkflowFailedError, WorkflowHandle } from '@temporalio/client';
import { boundedRecord } from '../../../src/activities/train.js';
import type { PipelineInput } from '../../../src/spec/pipeline.js';
import type { TrainResult } from '../../../src/spec/results.js';
import { trainingQuery } from '../../../src/workflows/messages.js';
import { rootOf } from '../../support/failed-runs.js';
import { progressOf, resultOf, SimulatedDeployment, untilSo } from '../../support/simulated-deployment.js';
import { RunRecord } from '../../support/simulated-work.js';

let deployment: SimulatedDeployment;
before(async () => {
  deployment = await SimulatedDeployment.start({ shards: 1 });
});
after(() => deployment.stop());

/** As the server counts them. */
async function historyOf(workflowId: string) {
  const handle = deployment.client.workflow.getHandle(workflowId);
  const { runId, historyLength } = await handle.describe();
  const { events } = await handle.fetchHistory();
  const signals = events?.filter((event) => event.workflowExecutionSignaledEventAttributes) ?? [];
  return { runId, historyLength, signals: signals.length };
}

test('a run of hundreds of snapshots and its training continue as new, lose none and keep the best', async () => {
  const record = deployment.recordOf('long');
  record.snapshotsAtOnce = 8;
  record.fd = (kimg) => (kimg === 101 ? 1 : 100 + (kimg % 7));
  const spec: PipelineInput = {
    name: 'long',
    stages: ['preprocess', 'train'],
    preprocess: { source: '/data/long' },
    train: { kimg: 240, snapshotKimg: 1, stopWhen: null },
  };
  const handle = await deployment.startWith('long', spec, {}, 200);
  const { runId: started } = await historyOf('long');
  const { train } = (await resultOf(handle)).stages;
  assert.equal(train?.last.kimg, 240);
  assert.equal(train?.checkpoint.kimg, 101);
  assert.ok((train?.curve.length ?? 0) <= 400, `${train?.curve.length} points`);
  assert.equal(new Set(record.curve.map(({ kimg }) => kimg)).size, 240, 'each is evaluated');
  assert.equal(record.trainings.most, 1, 'never two trainers');
  assert.ok(record.resumedKimg.every((kimg, i) => i === 0 || kimg >= (record.resumedKimg[i - 1] ?? 0)));
  const run = await historyOf('long');
  assert.notEqual(run.runId, started, 'the run has continued as new');
  assert.ok(run.historyLength < 1_000, `${run.historyLength} events`);
  const { historyLength } = await historyOf('long/train');
  assert.ok(historyLength < 1_000, `${historyLength} events of the training`);
});

test('a record of 10,000 snapshots fits in a message, with the best, and each is known', () => {
  const record = new RunRecord();
  const snapshots = Array.from({ length: 10_000 }, (_, i) => record.snapshot(i + 1));
  const curve = snapshots.map(({ kimg }) => ({ kimg, metric: 'fd', value: kimg === 40 ? 1 : 9 }));
  const bounded = boundedRecord(snapshots, curve, null);
  assert.ok(JSON.stringify(bounded).length < 100_000);
  assert.ok(bounded.snapshots.some(({ kimg }) => kimg === 40));
  assert.equal(bounded.snapshots.at(-1)?.kimg, 10_000);
  const listed = new Set(bounded.snapshots.map(({ step }) => step));
  assert.ok(snapshots.every(({ step }) => listed.has(step) || step <= (bounded.settledStep ?? -1)));
});

const ALONE: PipelineInput = {
  name: 'alone',
  from: { dataset: 'datasets/d/' },
  train: { kimg: 1000, snapshotKimg: 1, stopWhen: { patience: 2 } },
};

const startAlone = (workflowId: string, spec: unknown): Promise<WorkflowHandle> =>
  deployment.client.workflow.start('trainUntilConverged', {
    workflowId,
    taskQueue: deployment.env.GIST_TASK_QUEUE ?? '',
    args: [spec],
  });

test('a training starts by itself from a spec, tells its progress, converges, and is recorded as a run', async () => {
  deployment.recordOf('alone').fd = (kimg) => (kimg <= 3 ? 100 - kimg : 100);
  const handle = await startAlone('alone', ALONE);
  await untilSo(async () => ((await handle.query(trainingQuery))?.evaluated ?? 0) > 0);
  const result = (await handle.result()) as TrainResult;
  assert.equal(result.ended, 'converged');
  assert.equal(result.checkpoint.kimg, 3);
  assert.deepEqual(deployment.recordOf('alone').matchesSpec, ['train']);
  assert.equal((await handle.query(trainingQuery))?.best?.kimg, 3);
});

test('a training without a data set is refused with what it needs', async () => {
  const handle = await startAlone('nothing', { name: 'nothing', train: { kimg: 1, snapshotKimg: 1 } });
  await assert.rejects(handle.result(), (error: WorkflowFailedError) => {
    assert.match(rootOf(error).message, /from: stage "train" needs the result of stage "preprocess"/);
    return true;
  });
});

test('improvements within the noise of their evaluation count as none, and the training converges', async () => {
  const record = deployment.recordOf('noisy');
  record.fd = (kimg) => 100 - kimg;
  record.noise = 50;
  const handle = await deployment.startRun('noisy', { kimg: 1000, stopWhen: { patience: 3 } });
  const { train } = (await resultOf(handle)).stages;
  assert.equal(train?.ended, 'converged');
  assert.equal((await progressOf(handle)).train?.curve[0]?.interval?.low, 99 - 50);
});
