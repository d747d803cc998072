/**
 * Outages of everything that a run depends on, mixed with kills: it waits, and ends with the bytes
 * of an undisturbed run.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PipelineInput } from '../../../src/spec/pipeline.js';
import type { PipelineResult } from '../../../src/spec/results.js';
import { Rig, TINY_TRAIN, until } from '../../support/rig.js';
import { TestWorker } from '../../support/worker.js';

/** Long enough for the trainer to work through several outages. */
const TRAIN = { ...TINY_TRAIN, kimg: 12, snapshotKimg: 3 };

let rig: Rig;
let spec: PipelineInput;
/** Scratch and cache of the worker, on a small disk of their own where this user may mount one. */
let disk: string;
let isMounted = false;
let undisturbed: PipelineResult;
let undisturbedWeights: Record<string, string>;

before(async () => {
  rig = await Rig.start({ startsWorker: false });
  disk = path.join(rig.folder, 'disk');
  mkdirSync(disk);
  isMounted = mountSmallDisk(disk);
  writeCredentials(rig.s3.secretAccessKey);
  Object.assign(rig.worker.env, {
    AWS_SHARED_CREDENTIALS_FILE: credentialsFile(),
    AWS_ACCESS_KEY_ID: '',
    AWS_SECRET_ACCESS_KEY: '',
    TMPDIR: disk,
    GIST_DATA_CACHE: path.join(disk, 'cache'),
  });
  await rig.worker.start();
  spec = {
    name: 'outages',
    stages: ['preprocess', 'train'],
    cache: false,
    preprocess: { source: await rig.phantoms(60), resolution: 16, shardImages: 16 },
    train: TRAIN,
  };
  await rig.startRun('undisturbed', spec);
  undisturbed = await rig.result('undisturbed');
  undisturbedWeights = await rig.weightDigests(lastOf(undisturbed));
});

after(async () => {
  await rig.worker.end('SIGKILL');
  if (isMounted) execFileSync('umount', [disk]);
  await rig.stop();
});

const credentialsFile = () => path.join(rig.folder, 'credentials');

function writeCredentials(secret: string): void {
  writeFileSync(
    credentialsFile(),
    `[default]\naws_access_key_id = ${rig.s3.accessKeyId}\naws_secret_access_key = ${secret}\n`,
    { mode: 0o600 },
  );
}

function mountSmallDisk(folder: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function lastOf({ stages }: PipelineResult) {
  assert.ok(stages.train);
  return stages.train.last;
}

function killTrainers(): void {
  for (const pid of rig.trainerPids()) process.kill(pid, 'SIGKILL');
}

/** While Temporal is away for two minutes, credentials expire, and the store does not answer. */
async function serversAway(): Promise<void> {
  await rig.temporal.kill();
  writeCredentials('expired');
  await sleep(25_000);
  writeCredentials(rig.s3.secretAccessKey);
  await sleep(5_000);
  rig.s3Proxy.set('silent');
  await sleep(30_000);
  killTrainers();
  await sleep(45_000);
  rig.s3Proxy.set('forward');
  await sleep(15_000);
  await rig.temporal.launch();
}

/** A trainer that must start while the disk is full. */
async function diskFull(): Promise<void> {
  const ballast = path.join(disk, 'ballast');
  fill(ballast);
  killTrainers();
  await sleep(20_000);
  rmSync(ballast);
}

/** Until nothing more fits. */
function fill(file: string): void {
  const block = Buffer.alloc(1 << 20);
  for (;;) {
    try {
      writeFileSync(file, block, { flag: 'a' });
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
      return;
    }
  }
}

/** A worker on a machine that cannot reach the bucket takes over the queues, and takes no work. */
async function brokenWorker(): Promise<void> {
  await rig.worker.end('SIGKILL');
  const log = path.join(rig.folder, 'broken.log');
  const broken = new TestWorker({ ...rig.worker.env, GIST_STORE: 's3://not-there/' }, log);
  broken.launch();
  await until('it says what is wrong', async () => readFileSync(log, 'utf8').includes('not-there'));
  await sleep(5_000);
  assert.ok(!broken.isReady, 'it does not poll');
  await broken.end('SIGKILL');
  await rig.worker.start();
}

test('a run outlasts servers that are away, expired credentials, a full disk and a broken worker', async (t) => {
  await rig.startRun('disturbed', spec);
  await until('the trainer takes steps', async () => ((await rig.liveStep('disturbed')) ?? 0) > 0);
  await serversAway();
  if (isMounted) await diskFull();
  else t.diagnostic('this user cannot mount a disk: it was not filled');
  await brokenWorker();
  const result = await rig.result('disturbed');
  assert.equal(result.stages.train?.ended, 'complete');
  assert.equal(lastOf(result).step, lastOf(undisturbed).step);
  assert.deepEqual(await rig.weightDigests(lastOf(result)), undisturbedWeights);
  const progress = await rig.progress(rig.client.workflow.getHandle('disturbed'));
  assert.equal(progress.state, 'done');
});
