/** A run that does not advance says why; on a real server with simulated activities. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Context } from '@temporalio/activity';
import { Client, Connection } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { bundleWorkflowCode, NativeConnection, Worker, type WorkflowBundle } from '@temporalio/worker';
import { asFailure } from '../../../src/activities/failures.js';
import type { TrainInput } from '../../../src/activities/train.js';
import {
  cancelRun,
  type LiveProgress,
  progressOf,
  retryRun,
  sendOrder,
  startRun,
} from '../../../src/client/index.js';
import type { WaitingReason } from '../../../src/client/waiting.js';
import { CheckpointLostError } from '../../../src/core/errors.js';
import { formatProgress } from '../../../src/cli/commands/status.js';
import { type TrainHeartbeat, WAITING_FOR_ROOM } from '../../../src/spec/controls.js';
import type { PipelineInput } from '../../../src/spec/pipeline.js';
import type { PipelineResult } from '../../../src/spec/results.js';
import { simulatedWork } from '../../support/simulated-work.js';
import { TestTemporal } from '../../support/temporal.js';

const CPU = 'gist';
const GPU = 'gist-gpu';
/** Runs that train on the CPU worker, so that they need no device. */
const ON_CPU = ['retried', 'parked', 'silent', 'no-room'];
const WORKFLOWS = new URL('../../../src/workflows/index.js', import.meta.url);
const SPEC: PipelineInput = {
  name: 'waits',
  stages: ['preprocess', 'train'],
  preprocess: { source: '/data' },
  train: { snapshotKimg: 1, kimg: 2, stopWhen: null },
};

/** What a training fails with when its checkpoints are gone. */
const LOST = asFailure(
  new CheckpointLostError({ what: 'D.safetensors is missing', where: 'runs/r/train/', hint: 'Put it back.' }),
  { attempt: 1, elapsedMs: 0 },
) as Error;

const { activities } = simulatedWork(CPU, 2);
const ends: (() => void)[] = [];
/** What a run's training does instead of training; by run id. */
const trainings = new Map<string, () => Promise<never>>();

let temporal: TestTemporal;
let workflowBundle: WorkflowBundle;
let native: NativeConnection;
let client: Client;
const workers: { worker: Worker; working: Promise<void> }[] = [];

before(async () => {
  [temporal, workflowBundle] = await Promise.all([
    TestTemporal.start(),
    bundleWorkflowCode({ workflowsPath: fileURLToPath(WORKFLOWS) }),
  ]);
  native = await NativeConnection.connect({ address: temporal.address });
  client = new Client({ connection: await Connection.connect({ address: temporal.address }) });
});

after(async () => {
  for (const end of ends) end();
  for (const { worker } of workers) worker.shutdown();
  await Promise.all(workers.map(({ working }) => working));
  await client.connection.close();
  await native.close();
  await temporal.stop();
});

async function startWorker(taskQueue: string): Promise<void> {
  const isCpu = taskQueue === CPU;
  const worker = await Worker.create({
    connection: native,
    taskQueue,
    activities: {
      ...activities,
      resolveRun: async (job: Parameters<typeof activities.resolveRun>[0]) => ({
        ...(await activities.resolveRun(job)),
        taskQueues: { cpu: CPU, gpu: ON_CPU.includes(job.runId) ? CPU : GPU },
      }),
      train: (input: TrainInput) => trainings.get(input.runId)?.() ?? activities.train(input),
    },
    maxHeartbeatThrottleInterval: '100ms',
    defaultHeartbeatThrottleInterval: '100ms',
    shutdownForceTime: '1 second',
    ...(isCpu ? { workflowBundle } : { maxConcurrentActivityTaskExecutions: 1 }),
  });
  workers.push({ worker, working: worker.run() });
}

async function waits(runId: string, reason: WaitingReason, seconds = 30): Promise<LiveProgress> {
  let progress = await progressOf(client, runId);
  for (let i = 0; i < 2 * seconds && progress.waiting?.reason !== reason; i++) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    progress = await progressOf(client, runId);
  }
  assert.equal(progress.waiting?.reason, reason, JSON.stringify(progress.waiting));
  if (reason !== 'no-room') assert.equal(progress.live, null);
  return progress;
}

function heartbeat(numbers: Partial<TrainHeartbeat> = {}): void {
  const { attempt } = Context.current().info;
  const beat: TrainHeartbeat = {
    kimg: 1,
    step: 10,
    imagesPerSecond: 50,
    operation: 'training',
    storage: null,
    checkpoint: null,
    attempt,
    resumption: null,
    fruitlessAttempts: 1,
    progressMs: 0,
    highestStep: 0,
    atMs: 0,
    ...numbers,
  };
  Context.current().heartbeat(beat);
}

// Most of the time is spent waiting, so tests that need the same workers run at the same time.
describe('without a worker', { concurrency: 3 }, () => {
  test('without any worker, a run names the queue and the command that starts a worker', async () => {
    await startRun(client, SPEC, 'no-worker');
    const { source, waiting, name } = await progressOf(client, 'no-worker');
    assert.deepEqual([source, waiting?.reason, name], ['server', 'no-worker', 'waits']);
    assert.match(waiting?.message ?? '', /No worker polls queue "gist"/);
    assert.equal(waiting?.command, 'gist up');
  });

  test('without any worker, an order says that it was not delivered', async () => {
    await startRun(client, SPEC, 'ordered');
    await assert.rejects(
      sendOrder(client, 'ordered', 'pause'),
      /not delivered.*No worker polls queue "gist"/,
    );
  });

  test('without any worker, a cancellation says that the server has recorded it', async () => {
    await startRun(client, SPEC, 'cancelled');
    const first = await cancelRun(client, 'cancelled');
    assert.deepEqual([first.changed, first.status], [true, 'running']);
    assert.match(first.message, /Accepted and pending.*No worker polls/);
    assert.equal((await cancelRun(client, 'cancelled', 500)).changed, false);
  });

  after(() =>
    Promise.all(['no-worker', 'ordered'].map((runId) => client.workflow.getHandle(runId).terminate())),
  );
});

describe('with a CPU worker', { concurrency: 6 }, () => {
  before(() => startWorker(CPU));

  test('with only a CPU worker, a training says that its queue has no worker', async () => {
    await startRun(client, SPEC, 'cpu-only');
    const { waiting, source } = await waits('cpu-only', 'cpu-worker-only');
    assert.equal(source, 'run');
    assert.match(waiting?.message ?? '', /no worker polls queue "gist-gpu"/);
  });

  test('a run on a misspelt task queue is told from one without workers', async () => {
    await client.workflow.start('gistPipeline', { workflowId: 'misspelt', taskQueue: 'gsit', args: [SPEC] });
    const { waiting } = await progressOf(client, 'misspelt');
    assert.equal(waiting?.reason, 'wrong-queue');
    assert.match(waiting?.message ?? '', /"gsit".*"gist".*misspelt/);
    await client.workflow.getHandle('misspelt').terminate();
  });

  test('a training that is retried shows attempt, worker, failure and next try, and no numbers of the failed attempt', async () => {
    trainings.set('retried', async () => {
      heartbeat();
      await new Promise((resolve) => setTimeout(resolve, 300));
      throw ApplicationFailure.create({
        message: 'the trainer ended without an error',
        type: 'TrainerCrashError',
        nextRetryDelay: '1 hour',
      });
    });
    await startRun(client, SPEC, 'retried');
    const { waiting, train } = await waits('retried', 'retrying');
    assert.equal(waiting?.attempt, 2);
    assert.ok(waiting?.worker && waiting.sinceMs && (waiting.nextAttemptMs ?? 0) > Date.now());
    assert.match(waiting.lastFailure ?? '', /^TrainerCrashError: the trainer ended without an error/);
    assert.match(waiting.message, /Attempt 1 of train by .* failed: .* Attempt 2 follows in/);
    assert.equal(train?.kimg, 0);
    await client.workflow.getHandle('retried').terminate();
  });

  test('a training whose worker is not heard from says since when, and what follows', async () => {
    // One heartbeat: afterwards its worker is as silent as one whose machine has no power.
    trainings.set('silent', async () => {
      heartbeat();
      return new Promise((_, reject) => ends.push(() => reject(ApplicationFailure.nonRetryable('over'))));
    });
    await startRun(client, SPEC, 'silent');
    const { waiting } = await waits('silent', 'silent', 180);
    assert.ok(Date.now() - (waiting?.sinceMs ?? Date.now()) > 60_000);
    assert.match(
      waiting?.message ?? '',
      /that runs train was last heard from .* ago\. After .* another worker/,
    );
    await client.workflow.getHandle('silent').terminate();
  });

  test('a training that neither its store nor its disk takes a checkpoint of says so', async () => {
    const storage =
      'Neither the store (it is away) nor the disk of this machine takes the newest checkpoint.';
    trainings.set('no-room', async () => {
      heartbeat({ operation: WAITING_FOR_ROOM, imagesPerSecond: 0, storage });
      return new Promise((_, reject) => ends.push(() => reject(ApplicationFailure.nonRetryable('over'))));
    });
    await startRun(client, SPEC, 'no-room');
    const progress = await waits('no-room', 'no-room');
    assert.equal(progress.waiting?.message, `The training waits. ${storage}`);
    assert.match(formatProgress(progress), /1\.00\/2 kimg, waiting for the store, or for space on its disk/);
    assert.equal(formatProgress(progress).split(storage).length, 2);
    await client.workflow.getHandle('no-room').terminate();
  });

  test('a run that only a worker of another version takes is told so', async () => {
    const taskQueue = 'other-version';
    const workflowsPath = fileURLToPath(new URL('../../support/one-activity.js', import.meta.url));
    const worker = await Worker.create({ connection: native, taskQueue, workflowsPath });
    workers.push({ worker, working: worker.run() });
    await client.workflow.start('gistPipeline', { workflowId: 'other-version', taskQueue, args: [SPEC] });
    const { waiting } = await waits('other-version', 'workflow-failing', 120);
    assert.match(waiting?.message ?? '', /fails on its worker .*another version of GIST/);
    assert.equal(waiting?.command, 'gist logs other-version');
    await client.workflow.getHandle('other-version').terminate();
  });

  test('a parked run says what it needs; retry tries again, and with changes starts it again under its id', async () => {
    trainings.set('parked', () => Promise.reject(LOST));
    await startRun(client, SPEC, 'parked');
    const { waiting, state } = await waits('parked', 'needs-attention');
    assert.equal(state, 'needs-attention');
    assert.match(waiting?.message ?? '', /^Stage train needs attention since .*D\.safetensors is missing/);
    assert.equal(waiting?.command, 'gist resume parked');
    const unchanged = { apply: () => SPEC, keys: [] };
    assert.equal((await retryRun(client, 'parked', unchanged)).action, 'resumed');

    await waits('parked', 'needs-attention');
    trainings.delete('parked');
    const longer: PipelineInput = { ...SPEC, train: { ...SPEC.train, kimg: 3 } };
    const retried = await retryRun(client, 'parked', { apply: () => longer, keys: ['train.kimg'] });
    assert.equal(retried.action, 'started');
    const result = (await client.workflow.getHandle('parked').result()) as PipelineResult;
    assert.equal(result.stages.train?.last.kimg, 3);
    await assert.rejects(retryRun(client, 'parked', unchanged), /the run is complete\. .*--set train\.kimg/);
  });
});

describe('with a worker of one device', () => {
  before(() => startWorker(GPU));

  test('a training whose device is busy counts the runs before it', async () => {
    trainings.set('first', async () => {
      const { cancellationSignal } = Context.current();
      heartbeat();
      await new Promise<void>((resolve) => {
        ends.push(resolve);
        cancellationSignal.addEventListener('abort', () => resolve());
      });
      throw ApplicationFailure.nonRetryable('over');
    });
    await client.workflow.getHandle('cpu-only').result();
    await startRun(client, SPEC, 'first');
    while ((await progressOf(client, 'first')).live === null) await new Promise((go) => setTimeout(go, 100));
    await startRun(client, SPEC, 'second');
    const { waiting } = await waits('second', 'device-busy');
    assert.match(waiting?.message ?? '', /1 run before this one \(first\)/);
    assert.equal((await progressOf(client, 'first')).waiting, null);
    for (const end of ends) end();
  });
});
