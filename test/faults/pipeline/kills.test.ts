/** A run ends with the same weights, whichever part of its deployment is killed at any time. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { PipelineInput } from '../../../src/spec/pipeline.js';
import type { PipelineResult } from '../../../src/spec/results.js';
import type { ProxyMode } from '../../support/faulty-proxy.js';
import { Rig, TINY_TRAIN, until } from '../../support/rig.js';

/** Kills a victim's test makes; more of them where there is time: `GIST_FAULT_KILLS=10`. */
const KILLS = Number(process.env.GIST_FAULT_KILLS ?? 3);

let rig: Rig;
let spec: PipelineInput;
let uninterrupted: Record<string, string>;
let uninterruptedResult: PipelineResult;

before(async () => {
  rig = await Rig.start();
  const source = await rig.phantoms(60);
  spec = {
    name: 'kills',
    stages: ['preprocess', 'train'],
    cache: false,
    preprocess: { source, resolution: 16, shardImages: 16 },
    train: { ...TINY_TRAIN },
  };
  await rig.startRun('uninterrupted', spec);
  uninterruptedResult = await rig.result('uninterrupted');
  uninterrupted = await rig.weightDigests(finalOf(uninterruptedResult));
});

after(() => rig.stop());

function finalOf(result: PipelineResult) {
  assert.ok(result.stages.train);
  return result.stages.train.last;
}

const randomWait = (from: number, to: number) =>
  new Promise((resolve) => setTimeout(resolve, from + Math.random() * (to - from)));

/** Runs the spec while `disturb` does its worst, and compares what it ends with. */
async function survives(runId: string, disturb: () => Promise<void>, times = KILLS): Promise<void> {
  await rig.startRun(runId, spec);
  for (let i = 0; i < times; i++) {
    await randomWait(500, 18_000 / times);
    await disturb();
  }
  const result = await rig.result(runId);
  assert.equal(result.stages.train?.ended, 'complete');
  assert.equal(finalOf(result).step, finalOf(uninterruptedResult).step);
  assert.deepEqual(await rig.weightDigests(finalOf(result)), uninterrupted);
}

test('two uninterrupted runs end with the same bytes', async () => {
  await survives('uninterrupted-again', async () => undefined);
});

test('a trainer killed at random moments changes nothing', async () => {
  await survives('trainer-killed', async () => {
    for (const pid of rig.trainerPids()) process.kill(pid, 'SIGKILL');
  });
});

test('a worker killed at random moments changes nothing', async () => {
  await survives('worker-killed', async () => {
    await rig.worker.end('SIGKILL');
    await rig.worker.start();
  });
});

test('a Temporal server killed at random moments changes nothing', async () => {
  await survives('temporal-killed', async () => {
    await rig.temporal.kill();
    await randomWait(0, 2_000);
    await rig.temporal.launch();
  });
});

test('an S3 server killed at random moments changes nothing', async () => {
  await survives('s3-killed', async () => {
    await rig.s3.kill();
    await randomWait(0, 2_000);
    await rig.s3.restart();
  });
});

test('a run survives an S3 server that answers 500 to all requests, and then does not answer for a minute', async () => {
  const faults: [ProxyMode, seconds: number][] = [
    ['errors', 15],
    ['silent', 60],
  ];
  await survives(
    's3-failing',
    async () => {
      for (const [mode, seconds] of faults) {
        rig.s3Proxy.set(mode);
        await randomWait(seconds * 1000, seconds * 1000);
      }
      rig.s3Proxy.set('forward');
    },
    1,
  );
});

test('closing connections to S3 at random times changes nothing', async () => {
  await survives('s3-cut', async () => rig.s3Proxy.cut(), 4 * KILLS);
});

test('a hung trainer is found and replaced', async () => {
  await rig.startRun('trainer-hung', { ...spec, train: { ...TINY_TRAIN, kimg: 1.6 } });
  await until('a trainer runs', async () => rig.trainerPids().length > 0);
  await randomWait(3_000, 6_000);
  const [hung] = rig.trainerPids();
  if (hung !== undefined) process.kill(hung, 'SIGSTOP');
  const result = await rig.result('trainer-hung');
  assert.equal(result.stages.train?.ended, 'complete');
  assert.ok(!rig.trainerPids().includes(hung ?? -1));
});

test('a worker that is terminated writes a checkpoint, and the next attempt starts at that step', async () => {
  await rig.startRun('worker-terminated', { ...spec, train: { ...TINY_TRAIN, kimg: 8, snapshotKimg: 8 } });
  // The compiled step takes long to make on a busy machine; before it, there is nothing to keep.
  await until('steps are taken', async () => ((await rig.liveStep('worker-terminated')) ?? 0) > 0);
  await randomWait(0, 2_000);
  await rig.worker.end('SIGTERM');
  const left = await rig.newestCheckpoint('worker-terminated');
  assert.ok(left && left.step > 0, 'a checkpoint was left');
  await rig.worker.start();
  const result = await rig.result('worker-terminated');
  assert.ok(finalOf(result).step > left.step);
  assert.deepEqual(rig.resumedSteps('worker-terminated'), [0, left.step]);
});
