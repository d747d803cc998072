/** Results of earlier runs that later runs reuse. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { after } from 'node:test';
import type { TrainResult } from '../../../src/spec/results.js';
import { pipelineSchema } from '../../../src/spec/pipeline.js';
import { openStore } from '../../../src/storage/open-store.js';
import {
  findStageResult,
  recordRun,
  recordStageResult,
  resolveFrom,
  type StageLookup,
} from '../../../src/storage/runs.js';

const root = await mkdtemp(path.join(tmpdir(), 'gist-runs-'));
after(() => rm(root, { recursive: true, force: true }));
const store = openStore(root);

const checkpoint = { prefix: 'runs/a/train/checkpoint-000002/', kimg: 2, step: 20 };
const stopped: TrainResult = { stage: 'train', checkpoint, last: checkpoint, ended: 'stopped', curve: [] };

function lookup(runId: string, kimg: number): StageLookup {
  return { runId, stage: 'train', inputs: ['dataset'], settings: { kimg }, reuse: true };
}

test('the result of a stage is found by runs with equal inputs and settings only', async () => {
  await recordStageResult(store, lookup('whole', 8), { ...stopped, ended: 'complete' });
  assert.equal((await findStageResult(store, lookup('later', 8)))?.stage, 'train');
  assert.equal(await findStageResult(store, lookup('later', 9)), null);
  assert.equal(await findStageResult(store, { ...lookup('later', 8), reuse: false }), null);
});

test('a training that was stopped early is found by `from:` only, and not cached', async () => {
  const spec = pipelineSchema.parse({ name: 'a', preprocess: { source: '/data' } });
  await recordRun(store, 'a', spec);
  await recordStageResult(store, lookup('a', 1000), stopped, false);
  assert.equal(await findStageResult(store, lookup('b', 1000)), null);
  assert.equal(await findStageResult(store, lookup('a', 1000)), null);
  const from = await resolveFrom(store, { ...spec, stages: ['generate'], from: 'a' });
  assert.deepEqual(from.train?.checkpoint, checkpoint);
});
