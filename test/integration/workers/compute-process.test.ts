/** The compute process: its queue, and the memory that it leaves to trainings. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GenerateSpec } from '../../../src/spec/generate.js';
import { ComputeProcess } from '../../../src/workers/compute-process.js';
import { untilEnded } from '../../support/official-training.js';
import { descendants } from '../../support/processes.js';

/** A task that fails once the child has loaded its libraries, which takes a second. */
const input = {
  runId: 'nothing',
  checkpoint: { prefix: 'runs/nothing/train/checkpoint-1/', kimg: 1, step: 1 },
  generate: {} as GenerateSpec,
  digest: 'nothing',
  shard: 0,
};
const onProgress = () => undefined;

test('a canceled task does not wait for the running one, and the next one does', async () => {
  const compute = new ComputeProcess();
  const ended: string[] = [];
  const start = (name: string, signal: AbortSignal) =>
    compute
      .run('generateShard', input, { onProgress, signal })
      .catch((error: unknown) => error)
      .then((error) => {
        ended.push(name);
        return error;
      });
  try {
    const running = start('running', new AbortController().signal);
    const reason = new Error('canceled');
    const canceled = start('canceled', AbortSignal.abort(reason));
    const next = start('next', new AbortController().signal);
    assert.equal(await canceled, reason);
    assert.deepEqual(ended, ['canceled']);
    await Promise.all([running, next]);
    assert.deepEqual(ended, ['canceled', 'running', 'next']);
  } finally {
    await compute.close();
  }
});

test('beside a training on its card, the process lives for the time of a task only', async () => {
  const run = (compute: ComputeProcess) =>
    compute
      .run('generateShard', input, { onProgress, signal: new AbortController().signal })
      .catch(() => undefined);
  const isWarm = () => descendants(process.pid, 'compute-main').length > 0;
  for (const sharesCard of [true, false]) {
    const compute = new ComputeProcess(sharesCard);
    try {
      await run(compute);
      assert.ok(isWarm(), 'kept for the next task');
      await compute.lendDevice(async () => {
        assert.equal(isWarm(), !sharesCard);
        await run(compute);
        assert.equal(isWarm(), !sharesCard);
      });
      // A second training, for which nothing is left to give back.
      await compute.lendDevice(() => compute.lendDevice(async () => undefined));
      await run(compute);
      assert.ok(isWarm());
    } finally {
      await compute.close();
    }
    assert.ok(!isWarm());
  }
});

test('on a GPU the process ends after an error without a class, and the next task has a new one', async () => {
  const before = process.env.GIST_TENSORFLOW;
  process.env.GIST_TENSORFLOW = 'cuda';
  const compute = new ComputeProcess();
  const run = () =>
    compute.run('nothing' as 'generateShard', input, { onProgress, signal: new AbortController().signal });
  const pids = () => descendants(process.pid, 'compute-main');
  try {
    await assert.rejects(run(), /no task has the name nothing/);
    await untilEnded(...pids());
    await assert.rejects(run(), /no task has the name nothing/);
  } finally {
    await compute.close();
    if (before === undefined) delete process.env.GIST_TENSORFLOW;
    else process.env.GIST_TENSORFLOW = before;
  }
});
