/**
 * The operations that a trainer reports, by which one that works is distinguished from one that
 * hangs.
 */
import '../../support/one-thread.js';
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { TrainingError } from '../../../src/core/errors.js';
import type { TrainerJob } from '../../../src/training/index.js';
import { runTraining } from '../../../src/training/loop.js';
import { openDataset } from '../../../src/imaging/index.js';
import { type TinyTraining, tinyTraining } from '../../support/tiny-training.js';

const MINUTE = 60_000;

describe('a trainer', () => {
  let tiny: TinyTraining;
  let cache: string;
  const given = process.env.GIST_CACHE_DIR;
  before(async () => {
    tiny = await tinyTraining();
    cache = await mkdtemp(path.join(tmpdir(), 'gist-cache-'));
    process.env.GIST_CACHE_DIR = cache;
  });
  after(async () => {
    if (given === undefined) delete process.env.GIST_CACHE_DIR;
    else process.env.GIST_CACHE_DIR = given;
    await rm(cache, { recursive: true, force: true });
    await tiny.remove();
  });

  /** Trains in this process; the operations that it reported, in order. */
  async function operationsOf(job: TrainerJob): Promise<{ operations: [string, number][]; error: unknown }> {
    const operations: [string, number][] = [];
    const controls = {
      store: tiny.store,
      emit: () => undefined,
      shouldStop: () => false,
      startOperation: (operation: string, allowanceMs: number) =>
        void operations.push([operation, allowanceMs]),
    };
    const error = await runTraining(job, controls).then(
      () => null,
      (thrown: unknown) => thrown,
    );
    return { operations, error };
  }

  test('that loads many images has no time limit while images arrive', async () => {
    const { manifest } = await openDataset(tiny.store, tiny.job('loads').dataset.prefix);
    const { operations, error } = await operationsOf(tiny.job('loads', { targetKimg: 0.004 }));
    assert.equal(error, null);
    const loading = operations.filter(([operation, ms]) => operation === 'loading' && ms >= 20 * MINUTE);
    assert.equal(loading.length, manifest.images.train);
    assert.notEqual(operations[loading.length]?.[0], 'loading');
  });

  test('that diverges waits for a checkpoint in progress with the time limit of an upload, not of a step', async () => {
    const job = tiny.job('diverges', { spec: { checkpointMinutes: 0.0001 } });
    Object.assign(job.train, { glr: 1e10, dlr: 1e10 });
    const { operations, error } = await operationsOf(job);
    assert.ok(error instanceof TrainingError && /no longer finite/.test(error.what), String(error));
    assert.deepEqual(operations.at(-1), ['writing a checkpoint', 40 * MINUTE]);
  });
});
