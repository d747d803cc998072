/**
 * A whole run driven by the plain Temporal command, on a real server, a real S3 store and a real
 * worker.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { partPath } from '../../../src/core/parts.js';
import type { RunProgress } from '../../../src/spec/controls.js';
import type { PipelineInput } from '../../../src/spec/pipeline.js';
import { Rig, TINY_TRAIN } from '../../support/rig.js';

const run = promisify(execFile);

let rig: Rig;
let specFile: string;

before(async () => {
  rig = await Rig.start();
  const spec: PipelineInput = {
    name: 'cli',
    preprocess: { source: await rig.phantoms(60), resolution: 16, shardImages: 25 },
    train: {
      ...TINY_TRAIN,
      kimg: 0.8,
      snapshotKimg: 0.4,
      snapshotMetrics: ['fd_effnetlite0'],
      snapshotImages: 16,
    },
    generate: { count: 40, shardImages: 16 },
    evaluate: {},
  };
  specFile = path.join(rig.folder, 'spec.json');
  writeFileSync(specFile, JSON.stringify(spec));
});

after(() => rig.stop());

async function temporal(...args: string[]): Promise<string> {
  const { stdout } = await run(partPath('temporal'), [...args, '--address', rig.temporal.address]);
  return stdout;
}

function startByCommand(workflowId: string): Promise<string> {
  const what = [
    '--type',
    'gistPipeline',
    '--task-queue',
    'gist',
    '--workflow-id',
    workflowId,
    '--input-file',
    specFile,
  ];
  return temporal('workflow', 'start', ...what);
}

async function keys(prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of rig.store.list(prefix)) found.push(key);
  return found;
}

test('`temporal workflow start` runs all stages from a folder of images to a report', async () => {
  await startByCommand('by-command');
  const { stages, reused } = await rig.result('by-command');
  assert.deepEqual(reused, []);
  const { train = 0, holdout = 0 } = stages.preprocess?.dataset.images ?? {};
  assert.ok(train + holdout === 60 && holdout >= 5, `${train} and ${holdout}`);
  assert.equal(stages.preprocess?.dataset.classes?.length, 5);
  assert.equal(stages.train?.ended, 'complete');
  assert.deepEqual(
    stages.train?.curve.map(({ kimg, metric }) => [kimg, metric]),
    [
      [0.4, 'fd_effnetlite0'],
      [0.8, 'fd_effnetlite0'],
    ],
  );
  assert.equal(stages.generate?.images, 40);
  for (const figure of [
    'fd_effnetlite0.holdout',
    'fd_effnetlite0.train_vs_holdout',
    'kid_effnetlite0.holdout',
  ]) {
    assert.ok(Number.isFinite(stages.evaluate?.metrics[figure]), figure);
  }
  const report = Buffer.from(await rig.store.get(stages.evaluate?.report ?? '')).toString('utf8');
  assert.match(report, />Real and synthetic images<\/h2>/);
  const made = await keys('runs/by-command/');
  for (const name of [
    'run.json',
    'stats.jsonl',
    'grid.png',
    'report.html',
    'metrics.json',
    'metrics.csv',
    'metrics.tex',
    'DATA-CARD.md',
  ]) {
    assert.ok(
      made.some((key) => key.endsWith(name)),
      name,
    );
  }
});

test('`temporal workflow query` returns the progress of a run', async () => {
  const answer = await temporal(
    'workflow',
    'query',
    '--workflow-id',
    'by-command',
    '--type',
    'progress',
    '--output',
    'json',
  );
  const { queryResult } = JSON.parse(answer) as { queryResult: [RunProgress] | RunProgress };
  const progress = Array.isArray(queryResult) ? queryResult[0] : queryResult;
  assert.deepEqual(progress.stages, {
    preprocess: 'done',
    train: 'done',
    generate: 'done',
    evaluate: 'done',
  });
});

test('a second run of the same spec reuses every stage and reports that', async () => {
  await startByCommand('again');
  const again = await rig.result('again');
  assert.deepEqual(again.reused, ['preprocess', 'train', 'generate', 'evaluate']);
  assert.deepEqual(again.stages.train, (await rig.result('by-command')).stages.train);
});

test('omitted stages use results of an earlier run', async () => {
  const spec: PipelineInput = {
    name: 'more',
    stages: ['generate', 'evaluate'],
    from: 'by-command',
    generate: { count: 24, seed: 1000 },
  };
  await rig.startRun('more', spec);
  const { stages } = await rig.result('more');
  assert.equal(stages.generate?.images, 24);
  assert.equal(stages.evaluate?.metrics['images.synthetic'], 24);
});

test('the history of a run is far below the limits and contains no pixels', async () => {
  const { historyLength } = await rig.client.workflow.getHandle('by-command').describe();
  assert.ok(historyLength < 300, `${historyLength} events`);
  const history = await rig.client.workflow.getHandle('by-command').fetchHistory();
  assert.ok(JSON.stringify(history).length < 300_000);
});
