/** Reports of runs that lack holdout, labels, training and most metrics. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import {
  assembleDataset,
  buildShard,
  openSource,
  planDataset,
  writeStoredZip,
} from '../../../src/imaging/index.js';
import type { ComputeTasks } from '../../../src/spec/compute-tasks.js';
import { pipelineSchema } from '../../../src/spec/pipeline.js';
import type { DatasetRef, GenerateResult } from '../../../src/spec/results.js';
import { FileStore } from '../../../src/storage/file-store.js';
import { putJson, putPart } from '../../../src/storage/index.js';
import { tasks } from '../../../src/workers/compute-tasks.js';
import { discPng } from '../../support/report-input.js';

const SIDE = 16;
let folder: string;
let store: FileStore;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gist-incomplete-'));
  store = new FileStore(path.join(folder, 'store'));
});
after(() => rm(folder, { recursive: true, force: true }));

test('a report without holdout, labels and training names no quality, and shows both sets', async () => {
  const dataset = await unlabeled(12, 0);
  const synthetic = await synthesized(12);
  const { conclusion, page, card } = await evaluate({ dataset, synthetic, metrics: 'auto' });
  assert.equal(dataset.images.holdout, 0);
  assert.equal(conclusion?.level, 'caution');
  assert.ok(conclusion.limits.some((limit) => limit.startsWith('No real images were held out')));
  assert.match(page, /There are no unseen real images to compare with/);
  assert.match(page, /alt="Grid of real images of the data set"/);
  assert.match(page, /alt="Grid of synthetic images of the data set"/);
  assert.doesNotMatch(page, /<section id="(map|training)"|>undefined|>NaN/);
  assert.doesNotMatch(page, /The generator was trained on/);
  assert.match(card, /Nothing is recorded of the images that the generator was trained on/);
});

test('a report of one metric on pixels, and of a single synthetic image, is no broken page', async () => {
  const dataset = await unlabeled(14, 0.3);
  const { page, conclusion, metrics } = await evaluate({
    dataset,
    synthetic: await synthesized(1),
    metrics: ['diversity'],
  });
  assert.deepEqual(
    Object.keys(metrics).filter((name) => name.includes('synthetic')),
    [],
  );
  assert.match(page, /The synthetic set has 1 image\./);
  assert.doesNotMatch(page, /<section id="map"|>undefined|>NaN/);
  assert.ok(!conclusion?.limits.some((limit) => limit.includes('network for photographs')));
});

async function unlabeled(count: number, fraction: number): Promise<DatasetRef> {
  const source = path.join(folder, `images-${count}`);
  await mkdir(source);
  for (let i = 0; i < count; i++) await writeFile(path.join(source, `${i}.png`), await discPng(SIDE, i));
  const { preprocess } = pipelineSchema.parse({
    name: 'incomplete',
    preprocess: { source, resolution: SIDE, labels: 'none', holdout: { fraction }, duplicates: 'ignore' },
  });
  assert.ok(preprocess);
  const { digest, shards } = await planDataset(store, preprocess);
  for (let shard = 0; shard < shards; shard++)
    await buildShard(store, openSource(source), preprocess, { digest, shard });
  return assembleDataset(store, preprocess, digest);
}

/** A set as the generate stage writes it, from a checkpoint that is gone. */
async function synthesized(images: number): Promise<GenerateResult> {
  const prefix = `runs/other/generate/s${images}/`;
  const file = path.join(folder, `s${images}.zip`);
  async function* files() {
    for (let i = 0; i < images; i++) yield { name: `seed${i}.png`, bytes: await discPng(SIDE, 100 + i) };
  }
  await writeStoredZip(file, files());
  const archive = await putPart(store, prefix, 'synthetic-00000.zip', { file });
  const list = Array.from({ length: images }, (_, i) => ({ name: `seed${i}.png`, seed: i, label: null }));
  await putJson(store, `${prefix}synthetic-00000.json`, { shard: 0, archive, images: list });
  await putJson(store, `${prefix}manifest.json`, {
    version: 1,
    digest: `s${images}`,
    images,
    resolution: SIDE,
    channels: 1,
    classes: null,
    counts: null,
    checkpoint: { prefix: 'weights/gone/', kimg: 0, step: 0 },
    seed: 0,
    truncationPsi: 1,
    grid: 'grid.png',
    shards: [{ ...archive, images, firstSeed: 0, list: 'synthetic-00000.json' }],
  });
  return { stage: 'generate', prefix, digest: `s${images}`, images };
}

async function evaluate({
  dataset,
  synthetic,
  metrics,
}: {
  dataset: DatasetRef;
  synthetic: GenerateResult;
  metrics: 'auto' | ['diversity'];
}): Promise<ComputeTasks['computeMetrics']['result'] & { page: string; card: string }> {
  const spec = pipelineSchema.parse({
    name: 'incomplete',
    stages: ['evaluate'],
    from: { dataset: dataset.prefix, synthetic: synthetic.prefix },
    evaluate: { metrics },
  });
  const input = { runId: `of-${synthetic.digest}`, spec, dataset, synthetic, train: null, reused: [] };
  const result = await tasks.computeMetrics(store, input, () => undefined);
  const textOf = async (key: string) => Buffer.from(await store.get(key)).toString('utf8');
  return {
    ...result,
    page: await textOf(result.report),
    card: await textOf(`${synthetic.prefix}DATA-CARD.md`),
  };
}
