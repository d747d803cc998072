/** A real sweep over two sizes: nested subsets, real trainings, and its report. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { DatasetSizeSweepInput } from '../../../src/spec/dataset-size-sweep.js';
import type { DatasetRef } from '../../../src/spec/results.js';
import { DATASET_SIZE_SWEEP, type SweepResult } from '../../../src/spec/sweep.js';
import { GistUser } from '../../support/gist.js';
import { Rig, TINY_TRAIN } from '../../support/rig.js';

let rig: Rig;
let user: GistUser;
before(async () => {
  rig = await Rig.start();
  user = await GistUser.create(rig.env);
});
after(async () => {
  await user.leave();
  await rig.stop();
});

const read = async (key: string) => JSON.parse(Buffer.from(await rig.store.get(key)).toString('utf8'));

/** The training images of a run, by their names in its data set. */
async function trainingImages(runId: string): Promise<string[]> {
  const { dataset } = (await read(`runs/${runId}/preprocess.json`)).result as { dataset: DatasetRef };
  const { labels } = await read(`${dataset.prefix}dataset.json`);
  return (labels as [string, number][]).map(([name]) => name);
}

test('a sweep trains nested subsets and compares them with the same unseen images', async () => {
  const spec: DatasetSizeSweepInput = {
    name: 'sizes',
    run: {
      name: 'phantoms',
      preprocess: { source: await rig.phantoms(40), labels: 'folders', resolution: 16 },
      train: { ...TINY_TRAIN, kimg: 0.16, snapshotKimg: 0.16 },
      generate: { count: 16 },
      evaluate: { metrics: ['fd_effnetlite0'], analyses: [] },
    },
    sizes: [8, 16],
    repeats: 1,
  };
  const args: [DatasetSizeSweepInput] = [spec];
  const started = { workflowId: 'sizes', taskQueue: 'gist', args };
  const handle = await rig.client.workflow.start(DATASET_SIZE_SWEEP, started);
  const { runs, report } = (await handle.result()) as SweepResult;
  assert.deepEqual(runs, { done: 2 });
  const [small, large] = await Promise.all([trainingImages('sizes-8-0'), trainingImages('sizes-16-0')]);
  assert.equal(small.length, 8);
  assert.equal(large.length, 16);
  const { records } = await read('sweeps/sizes/sweep.json');
  assert.equal(records[0].images.holdout, records[1].images.holdout);
  for (const record of records) {
    assert.ok(record.metrics['fd_effnetlite0.holdout'] > 0);
    assert.ok(record.trainingSeconds > 0 && record.storedBytes > 0);
  }
  const page = Buffer.from(await rig.store.get(report)).toString('utf8');
  assert.equal(page.match(/<img /g)?.length, 2, 'a grid for each size');

  const { stdout } = await user.gist('status', 'sizes');
  assert.match(stdout, /sizes: completed; 2 done/);
  assert.match(stdout, /sizes-8-0 +done +\d+/);
  const { answer } = await user.json<{ answer: string }>('sweep', 'report', 'sizes', '--out', 'out');
  assert.match(answer, /From 8 to 16 images/);
  assert.match(readFileSync(path.join(user.folder, 'out/report.html'), 'utf8'), /sizes-16-0/);
});

test('a run of it is repeated with the same weights, compared, priced, and kept by prune', async () => {
  const outcome = await user.json<{ runId: string; isSame: boolean }>('reproduce', 'sizes-8-0', '--watch');
  assert.deepEqual(outcome, { runId: 'sizes-8-0-reproduced', isSame: true, parts: [], differences: [] });
  const compared = await user.json<{ settings: string[][]; metrics: string[][] }>(
    ...['compare', 'sizes-8-0', 'sizes-16-0', '--html', 'compare.html'],
  );
  assert.deepEqual(compared.settings, [['preprocess.limit', '8', '16']]);
  assert.ok(compared.metrics.some(([name]) => name === 'fd_effnetlite0.holdout'));
  assert.match(readFileSync(path.join(user.folder, 'compare.html'), 'utf8'), /<img alt="sizes-16-0"/);
  const [cost] = await user.json<{ trainingHours: number; runBytes: number }[]>('cost', 'sizes-8-0');
  assert.ok(cost && cost.trainingHours > 0 && cost.runBytes > 0);
  const pruned = await user.json<{ runs: { runId: string; usedBy: string[] }[] }>(
    ...['runs', 'prune', 'sizes-8-0', 'sizes-8-0-reproduced', '--yes'],
  );
  assert.deepEqual(
    pruned.runs.map(({ usedBy }) => usedBy),
    [['sweep sizes'], []],
  );
  assert.ok(await rig.store.head('runs/sizes-8-0/run.json'));
  assert.equal(await rig.store.head('runs/sizes-8-0-reproduced/run.json'), null);
});
