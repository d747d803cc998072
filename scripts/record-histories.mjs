/**
 * Records test/integration/replay/histories/*.json: those that are named, or all again, which is
 * only for workflow changes that are intentionally incompatible with old runs.
 *
 * node scripts/record-histories.mjs [size-sweep ...]
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { NativeConnection, Worker } from '@temporalio/worker';
import { partPath } from '../dist/src/core/parts.js';
import { settingId } from '../dist/src/spec/hyperparameter-sweep.js';
import { openStore } from '../dist/src/storage/index.js';
import { simulatedWork, trainingInput } from '../dist/test/support/simulated-work.js';
import { TestTemporal } from '../dist/test/support/temporal.js';

const HISTORIES = fileURLToPath(new URL('../test/integration/replay/histories', import.meta.url));
const WORKFLOWS = fileURLToPath(new URL('../dist/src/workflows/index.js', import.meta.url));
const BIOME = fileURLToPath(new URL('../node_modules/.bin/biome', import.meta.url));
const TASK_QUEUE = 'recorded';
/** Replaces the default identity, which contains host name and process id. */
const IDENTITY = 'recorder';
/** Number of shards that needs a second window of child workflows. */
const SHARDS = 216;

const folder = mkdtempSync(path.join(tmpdir(), 'gist-histories-'));
const store = openStore(pathToFileURL(folder).href);
const { recordOf, activities } = simulatedWork(TASK_QUEUE, SHARDS, store);

function start(client, workflowId, stages, train) {
  const spec = {
    name: workflowId,
    stages,
    preprocess: { source: `/data/${workflowId}` },
    train: { snapshotKimg: 1, ...train },
  };
  return client.workflow.start('gistPipeline', { workflowId, taskQueue: TASK_QUEUE, args: [spec] });
}

async function untilParked(handle, stage) {
  for (;;) {
    const { attention } = await handle.query('progress');
    if (attention && (!stage || attention.stage === stage)) return;
    await pause();
  }
}

/** As an activity fails after its last attempt. */
function parkingFailure(type) {
  const details = { what: 'refused', causeClass: 'worker', outcome: 'park', attempts: 8 };
  return ApplicationFailure.create({ type, message: 'refused', nonRetryable: true, details: [details] });
}

async function untilKimg(handle, kimg) {
  for (;;) {
    const progress = await handle.query('progress');
    if ((progress.train?.kimg ?? 0) >= kimg) return;
    await pause();
  }
}

async function paused(client) {
  const handle = await start(client, 'paused', ['preprocess', 'train'], { kimg: 40, stopWhen: null });
  await untilKimg(handle, 3);
  await handle.executeUpdate('pause');
  await handle.executeUpdate('resume');
  await handle.executeUpdate('extendTraining', { args: [{ kimg: 45 }] });
  await handle.result();
}

async function converged(client) {
  recordOf('converged').fd = (kimg) => (kimg <= 3 ? 100 - kimg : 100);
  const handle = await start(client, 'converged', ['preprocess', 'train'], {
    kimg: 1000,
    stopWhen: { patience: 2 },
  });
  await handle.result();
}

/** Parks in its data set and in its training, and is resumed each time. */
async function parked(client) {
  const record = recordOf('parked');
  record.failShards = parkingFailure('StoreAccessError');
  const handle = await start(client, 'parked', ['preprocess', 'train'], { kimg: 4, stopWhen: null });
  await untilParked(handle);
  record.failShards = null;
  record.failTraining = parkingFailure('CheckpointLostError');
  await handle.executeUpdate('resume');
  await untilParked(handle, 'train');
  record.failTraining = null;
  await handle.executeUpdate('resume');
  await handle.result();
}

async function stopped(client) {
  const handle = await start(client, 'stopped', ['preprocess', 'train'], { kimg: 1000, stopWhen: null });
  await untilKimg(handle, 2);
  await handle.executeUpdate('stopTraining');
  await handle.result();
}

async function canceled(client) {
  const handle = await start(client, 'canceled', ['preprocess', 'train'], { kimg: 1000, stopWhen: null });
  await untilKimg(handle, 2);
  await handle.cancel();
  await handle.result().catch(() => undefined);
}

/** Fails for good. */
async function failed(client) {
  recordOf('failed').failTraining = ApplicationFailure.nonRetryable('a loss is NaN', 'TrainingError');
  const handle = await start(client, 'failed', ['preprocess', 'train'], { kimg: 3, stopWhen: null });
  await handle.result().catch(() => undefined);
}

async function whole(client) {
  await (await start(client, 'whole', undefined, { kimg: 2, stopWhen: null })).result();
}

/** A training of its own, which continues as new. */
async function continued(client) {
  const args = [trainingInput('continued', TASK_QUEUE)];
  await (
    await client.workflow.start('trainUntilConverged', {
      workflowId: 'continued/train',
      taskQueue: TASK_QUEUE,
      args,
    })
  ).result();
}

async function shards(client) {
  await (await start(client, 'shards', ['preprocess'], {})).result();
}

/** Trains classifiers for its evaluation. */
async function classified(client) {
  const spec = {
    name: 'classified',
    preprocess: { source: '/data/classified' },
    train: { snapshotKimg: 1, kimg: 2, stopWhen: null },
    evaluate: { ganTrainTest: true },
  };
  const options = { workflowId: 'classified', taskQueue: TASK_QUEUE, args: [spec] };
  await (await client.workflow.start('gistPipeline', options)).result();
}

/** A run that fails and is retried, a size that is added, and a new history. */
async function sweep(client) {
  recordOf('sweep-transfer-100-0').failTraining = ApplicationFailure.nonRetryable(
    'a loss is NaN',
    'TrainingError',
  );
  const run = {
    name: 'sweep',
    preprocess: { source: '/data/sweep' },
    train: { kimg: 2, snapshotKimg: 1, stopWhen: null },
  };
  const spec = { name: 'sweep', run, sizes: [100, 200, 300], repeats: 1, parallel: 2, modes: ['transfer'] };
  for (const size of ['100-0', '200-0', '300-0', '50-0'])
    for (const mode of ['', 'transfer-']) recordOf(`sweep-${mode}${size}`).plannedShards = 1;
  const handle = await client.workflow.start('datasetSizeSweep', {
    workflowId: 'sweep',
    taskQueue: TASK_QUEUE,
    args: [spec, null, { historyEvents: 60 }],
  });
  const progress = () => handle.query('progress');
  while (!(await progress()).runs.some(({ state }) => state === 'failed')) await pause();
  recordOf('sweep-transfer-100-0').failTraining = null;
  await handle.executeUpdate('retryRuns');
  await handle.executeUpdate('addSizes', { args: [{ sizes: [50] }] });
  await handle.result();
}

/** Promotions, a setting that is added, and a new history. */
async function tuning(client) {
  const run = {
    name: 'tuning',
    preprocess: { source: '/data/tuning' },
    train: { kimg: 3, snapshotKimg: 1, stopWhen: null },
  };
  const keys = { 'train.gamma': [1, 2, 4, 8] };
  for (const id of ['default', ...[1, 2, 4, 8, 16].map((gamma) => settingId({ 'train.gamma': gamma }))])
    recordOf(`tuning-${id}-0`).plannedShards = 1;
  const halving = { minKimg: 1 };
  const spec = { name: 'tuning', run, keys, halving, repeats: 1, parallel: 2 };
  const handle = await client.workflow.start('hyperparameterSweep', {
    workflowId: 'tuning',
    taskQueue: TASK_QUEUE,
    args: [spec, null, { historyEvents: 60 }],
  });
  const progress = () => handle.query('progress');
  while (!(await progress()).runs.some(({ state }) => state === 'running')) await pause();
  await handle.executeUpdate('addSettings', { args: [{ settings: [{ 'train.gamma': 16 }] }] });
  await handle.result();
}

function pause() {
  return new Promise((resolve) => setTimeout(resolve, 50));
}

/** Workflow ids by the names of the files for their histories. */
const FILES = {
  'pipeline-paused': 'paused',
  'training-paused': 'paused/train',
  'training-converged': 'converged/train',
  'pipeline-shards': 'shards',
  'pipeline-parked': 'parked',
  'training-parked': 'parked/train',
  'pipeline-stopped': 'stopped',
  'training-stopped': 'stopped/train',
  'pipeline-canceled': 'canceled',
  'training-canceled': 'canceled/train',
  'pipeline-failed': 'failed',
  'training-failed': 'failed/train',
  'pipeline-whole': 'whole',
  'pipeline-classified': 'classified',
  'training-continued': 'continued/train',
  'size-sweep': 'sweep',
  'hyperparameter-sweep': 'tuning',
};

const named = process.argv.slice(2);
const recorders = [
  paused,
  converged,
  shards,
  parked,
  stopped,
  canceled,
  failed,
  whole,
  classified,
  continued,
  sweep,
  tuning,
];
/** Those that make the named files; each is named after its workflow. */
const wanted = recorders.filter(
  ({ name }) => named.length === 0 || named.some((file) => FILES[file]?.split('/')[0] === name),
);

/** The last child of `shards`, whose id the server has chosen. */
async function lastShards(client) {
  const { events } = await client.workflow.getHandle('shards').fetchHistory();
  const children = events.flatMap(
    (event) => event.startChildWorkflowExecutionInitiatedEventAttributes?.workflowId ?? [],
  );
  return children.at(-1);
}

/** Stacks name the folders of the machine that recorded them; replay does not read them. */
function withoutStack(key, value) {
  return key === 'stackTrace' ? '' : value;
}

/** Writes a history with the Temporal CLI, in the JSON format that workers replay. */
function write(name, workflowId) {
  const args = [
    'workflow',
    'show',
    '--workflow-id',
    workflowId,
    '--address',
    temporal.address,
    '--output',
    'json',
  ];
  const { status, stdout, stderr } = spawnSync(partPath('temporal'), args, {
    encoding: 'utf8',
    maxBuffer: 1e9,
  });
  if (status !== 0) throw new Error(stderr);
  writeFileSync(path.join(HISTORIES, `${name}.json`), JSON.stringify(JSON.parse(stdout, withoutStack)));
}

const temporal = await TestTemporal.start();
const connection = await NativeConnection.connect({ address: temporal.address });
const worker = await Worker.create({
  connection,
  identity: IDENTITY,
  taskQueue: TASK_QUEUE,
  activities,
  workflowsPath: WORKFLOWS,
  maxHeartbeatThrottleInterval: '100ms',
  defaultHeartbeatThrottleInterval: '100ms',
});
const working = worker.run();
const client = new Client({
  connection: await Connection.connect({ address: temporal.address }),
  identity: IDENTITY,
});
try {
  await Promise.all(wanted.map((record) => record(client)));
  mkdirSync(HISTORIES, { recursive: true });
  for (const [name, workflowId] of Object.entries(FILES))
    if (named.length === 0 || named.includes(name)) write(name, workflowId);
  if (wanted.includes(shards)) write('shards-last', await lastShards(client));
  spawnSync(BIOME, ['format', '--write', HISTORIES], { stdio: 'inherit' });
} finally {
  worker.shutdown();
  await working;
  await client.connection.close();
  await connection.close();
  await temporal.stop();
  rmSync(folder, { recursive: true, force: true });
}
