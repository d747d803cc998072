/** Runs of the store: what they use, which may be deleted, and how they compare. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { parseSpec } from '../../../src/spec/parse.js';
import type { PipelineInput } from '../../../src/spec/pipeline.js';
import type { EvaluateResult, StageResult, TrainResult } from '../../../src/spec/results.js';
import {
  compareRuns,
  comparisonPage,
  deleteRun,
  planPruning,
  readStoredRun,
} from '../../../src/runs/index.js';
import { type ObjectStore, openStore, putJson } from '../../../src/storage/index.js';
import { findStageResult, recordRun, recordStageResult } from '../../../src/storage/runs.js';

const folders: string[] = [];
let store: ObjectStore;
beforeEach(() => {
  const folder = mkdtempSync(path.join(tmpdir(), 'gist-runs-'));
  folders.push(folder);
  store = openStore(pathToFileURL(folder).href);
});
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const lookup = { stage: 'train' as const, inputs: ['d'], settings: {}, reuse: true };

function trained(owner: string): TrainResult {
  const last = { prefix: `runs/${owner}/train/checkpoint-1-step1/`, kimg: 1, step: 1 };
  const curve = [1, 2].map((kimg) => ({ kimg, metric: 'fd_effnetlite0', value: 100 / kimg }));
  return { stage: 'train', checkpoint: last, last, ended: 'complete', curve };
}

/** A run with the training of another one, or its own. */
async function writeRun(runId: string, change: Partial<PipelineInput> = {}, owner = runId): Promise<void> {
  const spec = parseSpec({ name: 'trial', preprocess: { source: '/data' }, ...change });
  await recordRun(store, runId, spec);
  await recordStageResult(store, { ...lookup, runId }, trained(owner));
}

async function writeMetrics(runId: string, value: number, low: number, weights = 'w'): Promise<void> {
  const prefix = `runs/${runId}/evaluate/e/`;
  const metrics = { 'fd_effnetlite0.holdout': value };
  const result: EvaluateResult = {
    ...{ stage: 'evaluate', prefix, metrics, report: `${prefix}report.html` },
    extractors: { inception: weights },
  };
  await putJson(store, `${prefix}metrics.json`, {
    ...metrics,
    intervals: { 'fd_effnetlite0.holdout': { low, high: value + 1 } },
  });
  await recordStageResult(store, { ...lookup, stage: 'evaluate', runId }, result as StageResult);
}

test('a run that others use by reuse, transfer or a sweep is kept, and says by which', async () => {
  await writeRun('model');
  await writeRun('reuses', {}, 'model');
  await writeRun('alone');
  await writeRun('origin');
  await writeRun('transfers', { train: { resume: 'origin' } });
  await writeRun('of-sweep');
  await putJson(store, 'sweeps/s/runs/of-sweep.json', { runId: 'of-sweep', madeBy: 'of-sweep' });
  const plan = await planPruning(store, ['model', 'alone', 'origin', 'of-sweep']);
  assert.deepEqual(
    plan.map(({ runId, usedBy }) => [runId, usedBy]),
    [
      ['model', ['reuses']],
      ['alone', []],
      ['origin', ['transfers']],
      ['of-sweep', ['sweep s']],
    ],
  );
  assert.ok(plan.every(({ bytes, objects }) => bytes > 0 && objects > 0));
  const together = await planPruning(store, ['model', 'reuses']);
  assert.ok(
    together.every(({ usedBy }) => usedBy.length === 0),
    'they may go together',
  );
});

test('a deleted run is not reused by later ones, and others keep theirs', async () => {
  await writeRun('gone');
  await writeRun('stays');
  await deleteRun(store, 'stays');
  await writeRun('stays');
  await deleteRun(store, 'gone');
  assert.equal((await findStageResult(store, { ...lookup, runId: 'new' }))?.stage, 'train');
  await deleteRun(store, 'stays');
  assert.equal(await findStageResult(store, { ...lookup, runId: 'new' }), null);
  await assert.rejects(readStoredRun(store, 'stays'), /there is no run "stays"/);
});

test('metrics of one name with different weights are said not to compare', async () => {
  const caveatsOf = async (weights: string) => {
    for (const runId of ['a', 'b']) await writeRun(runId);
    await writeMetrics('a', 50, 48);
    await writeMetrics('b', 40, 38, weights);
    const runs = await Promise.all(['a', 'b'].map((runId) => readStoredRun(store, runId)));
    return (await compareRuns(store, runs)).caveats.join();
  };
  assert.doesNotMatch(await caveatsOf('w'), /different weights/);
  assert.match(await caveatsOf('v'), /different weights/);
});

test('a comparison shows the settings that differ, and metrics with their intervals', async () => {
  await writeRun('a', { train: { gamma: 1 } });
  await writeRun('b', { train: { gamma: 2 }, generate: { count: 10 } });
  await writeMetrics('a', 50, 48);
  await writeMetrics('b', 40, 38);
  const runs = await Promise.all(['a', 'b'].map((runId) => readStoredRun(store, runId)));
  const comparison = await compareRuns(store, runs);
  assert.deepEqual(comparison.settings, [
    ['generate.count', '50000', '10'],
    ['train.gamma', '1', '2'],
  ]);
  assert.deepEqual(comparison.metrics, [['fd_effnetlite0.holdout', '50 (48 to 51)', '40 (38 to 41)']]);
  assert.ok(comparison.caveats.some((caveat) => /different numbers of images/.test(caveat)));
  const page = await comparisonPage(store, runs, comparison);
  assert.equal(page.match(/<polyline/g)?.length, 2, 'a curve of each run');
});
