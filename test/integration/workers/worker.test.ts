/**
 * A worker on a machine that fails: it says why, does not poll, and is found when it was killed.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { progressOf } from '../../../src/client/index.js';
import type { WireError } from '../../../src/core/errors.js';
import type { PipelineInput } from '../../../src/spec/pipeline.js';
import type { PipelineResult } from '../../../src/spec/results.js';
import { preprocessSchema } from '../../../src/spec/preprocess.js';
import { failAbandoned } from '../../../src/workers/in-flight.js';
import { pollersOf } from '../../../src/client/pollers.js';
import { FaultyProxy } from '../../support/faulty-proxy.js';
import { exists } from '../../support/gist.js';
import { KeyProxy } from '../../support/key-proxy.js';
import { descendants } from '../../support/processes.js';
import { Rig, TINY_TRAIN, until } from '../../support/rig.js';
import { TestWorker } from '../../support/worker.js';

const WORKFLOWS = fileURLToPath(new URL('../../support/one-activity.js', import.meta.url));
const EPHEMERAL = 'test-workflows';

let rig: Rig;
// Undisturbed by the logs of the SDK in this process.
Runtime.install({ logger: new DefaultLogger('ERROR') });

before(async () => {
  rig = await Rig.start();
});
after(() => rig?.stop());

async function smallDataset(): Promise<PipelineInput> {
  const source = await rig.phantoms(8);
  return {
    name: 'small',
    stages: ['preprocess'],
    preprocess: { source, resolution: 16, holdout: { fraction: 0 } },
  };
}

test('a worker that cannot write its cache says so instead of polling, and polls once it can', async () => {
  const cache = path.join(rig.folder, 'cache');
  const ready = path.join(rig.folder, 'ready');
  writeFileSync(cache, 'a file where a folder is needed');
  const env = { ...rig.env, GIST_DATA_CACHE: cache, GIST_READY_FILE: ready };
  const worker = new TestWorker(env, path.join(rig.folder, 'unfit.log'));
  const polls = worker.start();
  await until('the problem is written', async () => existsSync(`${ready}.problem`));
  const [problem] = JSON.parse(readFileSync(`${ready}.problem`, 'utf8')) as WireError[];
  assert.equal(problem?.where, path.join(cache, 'datasets'));
  assert.match(problem?.hint ?? '', /GIST_DATA_CACHE/);
  assert.ok(!existsSync(ready));
  assert.match(readFileSync(path.join(rig.folder, 'unfit.log'), 'utf8'), /does not poll: .*cache/);
  rmSync(cache);
  await polls;
  assert.ok(existsSync(ready));
  assert.ok(!existsSync(`${ready}.problem`));
  await worker.end('SIGTERM');
  assert.ok(!existsSync(ready));
});

test('a worker without credentials for the store names the store', async () => {
  const ready = path.join(rig.folder, 'ready-secret');
  const env = { ...rig.env, AWS_SECRET_ACCESS_KEY: 'wrong', GIST_READY_FILE: ready };
  const worker = new TestWorker(env, path.join(rig.folder, 'secret.log'));
  worker.start().catch(() => undefined);
  await until('the problem is written', async () => existsSync(`${ready}.problem`));
  const [problem] = JSON.parse(readFileSync(`${ready}.problem`, 'utf8')) as WireError[];
  assert.match(problem?.what ?? '', /secret access key is wrong/);
  await worker.end('SIGTERM');
});

test('with two cards, two workers poll the queue of the device, and end together', async () => {
  const env = {
    ...rig.env,
    GIST_GPUS: '0,1',
    GIST_GPU_TASK_QUEUE: 'two-cards',
    GIST_TASK_QUEUE: 'two-cards-cpu',
  };
  const worker = new TestWorker(env, path.join(rig.folder, 'cards.log'));
  await worker.start();
  const polling = () => pollersOf(rig.client, 'two-cards', 'activity');
  await until('two workers poll', async () => (await polling()).length === 2);
  const second = descendants(worker.pid, 'workers/main.js');
  assert.equal(second.length, 1);
  const variables = readFileSync(`/proc/${second[0]}/environ`, 'utf8').split('\0');
  assert.ok(variables.includes('GIST_GPU=1'));
  assert.ok(!variables.some((one) => one.startsWith('CUDA_VISIBLE_DEVICES=')), 'it sees its card');
  await worker.end('SIGKILL');
  await until('the second one ends too', async () => !second.some(exists));
});

test('a worker connects again when the settings of Temporal change, and the old address is gone', async () => {
  const target = `http://${rig.temporal.address}`;
  const [old, renewed] = [await FaultyProxy.open(target), await FaultyProxy.open(target)];
  const file = path.join(rig.folder, 'temporal.toml');
  const settle = ({ endpoint }: FaultyProxy) =>
    writeFileSync(file, `[profile.default]\naddress = "${new URL(endpoint).host}"\n`);
  settle(old);
  const { TEMPORAL_ADDRESS: _given, ...env } = rig.env;
  const queues = { GIST_TASK_QUEUE: 'renewed', GIST_GPU_TASK_QUEUE: 'renewed-gpu' };
  const worker = new TestWorker(
    { ...env, ...queues, TEMPORAL_CONFIG_FILE: file },
    path.join(rig.folder, 'renewed.log'),
  );
  await worker.start();
  settle(renewed);
  await until('it has connected again', async () =>
    readFileSync(path.join(rig.folder, 'renewed.log'), 'utf8').includes('with new settings'),
  );
  await old.close();
  const handle = await rig.startRun('after-renewal', await smallDataset(), 'renewed');
  const { stages } = (await handle.result()) as PipelineResult;
  assert.equal(stages.preprocess?.dataset.images.train, 8);
  await worker.end('SIGTERM');
  await renewed.close();
});

test('a worker whose API key is revoked while it polls says so, and works again once the file has another', async (t) => {
  const server = await KeyProxy.open(rig.temporal.address, 'first');
  const [file, ready] = [path.join(rig.folder, 'key.toml'), path.join(rig.folder, 'ready-key')];
  const settle = (key: string) =>
    writeFileSync(
      file,
      `[profile.default]\naddress = "${server.address}"\napi_key = "${key}"\n[profile.default.tls]\ndisabled = true\n`,
    );
  settle('first');
  const { TEMPORAL_ADDRESS: _given, ...env } = rig.env;
  const queues = { GIST_TASK_QUEUE: 'revoked', GIST_GPU_TASK_QUEUE: 'revoked-gpu' };
  // As for a user whose queues these are.
  Object.assign(process.env, queues);
  t.after(() => {
    for (const name of Object.keys(queues)) delete process.env[name];
  });
  const worker = new TestWorker(
    { ...env, ...queues, TEMPORAL_CONFIG_FILE: file, GIST_READY_FILE: ready },
    path.join(rig.folder, 'revoked.log'),
  );
  await worker.start();
  server.require('second');
  await until('the problem is written', async () => existsSync(`${ready}.problem`));
  const [problem] = JSON.parse(readFileSync(`${ready}.problem`, 'utf8')) as WireError[];
  assert.match(problem?.what ?? '', /Temporal cannot be used \(.*unauthorized/i);
  assert.match(problem?.hint ?? '', /TEMPORAL_API_KEY/);
  assert.ok(!existsSync(ready));
  const handle = await rig.startRun('revoked', await smallDataset(), 'revoked');
  await until(
    'the run says that no worker takes it',
    async () => (await progressOf(rig.client, 'revoked')).waiting?.reason === 'no-worker',
  );
  settle('second');
  assert.equal(((await handle.result()) as PipelineResult).stages.preprocess?.dataset.images.train, 8);
  assert.ok(existsSync(ready) && !existsSync(`${ready}.problem`));
  await worker.end('SIGTERM');
  await server.close();
});

test('a store folder and a source whose share is unmounted for a while stop no run, and are not created again', async () => {
  const [store, ready] = [path.join(rig.folder, 'share'), path.join(rig.folder, 'ready-share')];
  const queues = { GIST_TASK_QUEUE: 'share', GIST_GPU_TASK_QUEUE: 'share-gpu' };
  const env = { ...rig.env, ...queues, GIST_STORE: store, GIST_READY_FILE: ready };
  const worker = new TestWorker(env, path.join(rig.folder, 'share.log'));
  await worker.start();
  const spec = await smallDataset();
  const source = spec.preprocess?.source as string;
  for (const folder of [store, source]) renameSync(folder, `${folder}-unmounted`);
  const handle = await rig.startRun('share', spec, 'share');
  await until('the problem is written', async () => existsSync(`${ready}.problem`));
  const [problem] = JSON.parse(readFileSync(`${ready}.problem`, 'utf8')) as WireError[];
  assert.match(problem?.what ?? '', /folder of the store was there, and is absent/);
  assert.ok(!existsSync(store));
  for (const folder of [store, source]) renameSync(`${folder}-unmounted`, folder);
  assert.equal(((await handle.result()) as PipelineResult).stages.preprocess?.dataset.images.train, 8);
  await worker.end('SIGTERM');
});

test('a worker whose device cannot be used tries again less and less often, and says when', async () => {
  const log = path.join(rig.folder, 'device.log');
  // Set-up has bound the library for CPUs.
  const worker = new TestWorker({ ...rig.env, GIST_TENSORFLOW: 'cuda' }, log);
  worker.start().catch(() => undefined);
  const waits = () =>
    [...readFileSync(log, 'utf8').matchAll(/does not poll: .*nextTry="?(\d+) s/g)].map(
      ([, seconds]) => seconds,
    );
  await until('it has tried three times', async () => waits().length >= 3);
  assert.deepEqual(waits().slice(0, 3), ['2', '4', '8']);
  await worker.end('SIGTERM');
});

test('a worker starts although a killed one was at work for another server', async () => {
  const folder = path.join(rig.folder, 'in-flight-elsewhere');
  mkdirSync(folder);
  const record = { host: hostname(), attempt: 1, token: Buffer.from('of elsewhere').toString('base64') };
  writeFileSync(path.join(folder, '1-1-0.json'), JSON.stringify(record));
  await failAbandoned(folder, rig.client);
  assert.deepEqual(readdirSync(folder), []);
});

test('what a killed worker was doing starts again when a worker is back, long before heartbeats time out', async () => {
  const preprocess = preprocessSchema.parse({ source: 's3://gist/no-images/', resolution: 16 });
  const connection = await NativeConnection.connect({ address: rig.temporal.address });
  const workflows = await Worker.create({ connection, taskQueue: EPHEMERAL, workflowsPath: WORKFLOWS });
  const running = workflows.run();
  try {
    rig.s3Proxy.set('silent');
    const handle = await rig.client.workflow.start('planWithRareHeartbeats', {
      workflowId: 'killed-worker',
      taskQueue: EPHEMERAL,
      args: ['gist', { runId: 'killed-worker', preprocess, reuse: true }],
    });
    // The server calls it started before the worker has recorded it.
    await until('the activity runs', async () =>
      readdirSync(path.join(rig.folder, 'in-flight')).some((name) => name.endsWith('.json')),
    );
    await rig.worker.end('SIGKILL');
    rig.s3Proxy.set('forward');
    await rig.worker.start();
    // The second attempt finds no images, which ends the workflow.
    await assert.rejects(handle.result());
    const { events } = await handle.fetchHistory();
    const started = events?.map((event) => event.activityTaskStartedEventAttributes).find(Boolean);
    assert.equal(started?.attempt, 2);
    assert.equal(started?.lastFailure?.message, 'the worker was killed');
  } finally {
    workflows.shutdown();
    await running;
    await connection.close();
  }
});

test('a machine that breaks stops polling, goes on once it is repaired, and signals to all its processes leave a checkpoint', async () => {
  await rig.worker.end('SIGTERM');
  const [cache, ready] = [path.join(rig.folder, 'breaking'), path.join(rig.folder, 'ready-breaking')];
  const env = { ...rig.env, GIST_DATA_CACHE: cache, GIST_READY_FILE: ready };
  const worker = new TestWorker(env, path.join(rig.folder, 'breaking.log'));
  await worker.start();
  const handle = await rig.startRun('breaking', {
    name: 'breaking',
    stages: ['preprocess', 'train'],
    preprocess: { source: await rig.phantoms(16), resolution: 16 },
    train: { ...TINY_TRAIN, kimg: 80, snapshotKimg: 80 },
  });
  await until('steps are taken', async () => ((await rig.liveStep('breaking')) ?? 0) > 0);
  rmSync(cache, { recursive: true });
  writeFileSync(cache, 'a file where a folder is needed');
  for (const trainer of descendants(worker.pid, 'trainer-process')) process.kill(trainer, 'SIGKILL');
  await until('the worker has stopped polling', async () => !existsSync(ready));
  await until('the problem is written', async () => existsSync(`${ready}.problem`));
  rmSync(cache);
  await until('steps are taken again', async () => {
    const { live } = await progressOf(rig.client, 'breaking');
    return live !== null && live.attempt > 1 && live.step > 0;
  });
  for (let round = 0; round < 3; round++)
    for (const signal of ['SIGUSR1', 'SIGINT', 'SIGTERM'] as const)
      for (const pid of [worker.pid, ...descendants(worker.pid, '')]) process.kill(pid, signal);
  await worker.end('SIGTERM');
  const left = await rig.newestCheckpoint('breaking');
  assert.ok(left && left.step > 0, 'a checkpoint was left');
  await handle.terminate();
});
