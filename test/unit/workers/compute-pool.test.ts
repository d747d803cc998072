/** Compute processes for several kinds of work. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GenerateSpec } from '../../../src/spec/generate.js';
import { ComputePool } from '../../../src/workers/compute-pool.js';
import { ComputeProcess } from '../../../src/workers/compute-process.js';

/** Keeps a task until it is released. */
class HeldProcess extends ComputeProcess {
  readonly releases: (() => void)[] = [];
  private held = 0;

  override get isBusy(): boolean {
    return this.held > 0;
  }

  override run(): Promise<never> {
    this.held++;
    return new Promise((_, reject) =>
      this.releases.push(() => {
        this.held--;
        reject(new Error('released'));
      }),
    );
  }
}

test('kinds of work do not wait for each other, and a free process is used before another is started', async () => {
  const processes: HeldProcess[] = [];
  const pool = new ComputePool(() => {
    const process = new HeldProcess();
    processes.push(process);
    return process;
  });
  const options = { onProgress: () => undefined, signal: new AbortController().signal };
  const checkpoint = { prefix: 'c/', kimg: 1, step: 1 };
  const shard = { runId: 'r', checkpoint, generate: {} as GenerateSpec, digest: 'd', shard: 0 };
  const tasks = () => processes.map(({ releases }) => releases.length);
  const running: Promise<unknown>[] = [
    pool.run('generateShard', shard, options),
    pool.run('generateShard', shard, options),
  ];
  assert.deepEqual(tasks(), [2, 0, 0], 'shards follow one another');
  running.push(pool.run('assembleSynthetic', shard, options));
  assert.deepEqual(tasks(), [2, 1, 0]);
  for (const process of processes) for (const release of process.releases.splice(0)) release();
  await Promise.allSettled(running);
  const next = pool.run('assembleSynthetic', shard, options);
  assert.deepEqual(tasks(), [1, 0, 0], 'the warm one');
  processes[0]?.releases[0]?.();
  await assert.rejects(next);
});
