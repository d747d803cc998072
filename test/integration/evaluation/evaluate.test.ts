/** Metrics of a tiny end-to-end run: training, synthetic set, features, report. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { evaluateSets } from '../../../src/evaluation/evaluate.js';
import { imageLabels, openImageSet, shardImages } from '../../../src/evaluation/image-sets.js';
import { superviseTrainer } from '../../../src/training/index.js';
import { datasetRef, encodePng, openDataset } from '../../../src/imaging/index.js';
import type { CheckpointRef } from '../../../src/spec/results.js';
import type { EvaluateInput, SetName } from '../../../src/spec/compute-tasks.js';
import { selectedMetrics } from '../../../src/spec/evaluate.js';
import { pipelineSchema } from '../../../src/spec/pipeline.js';
import { isTask, tasks } from '../../../src/workers/compute-tasks.js';
import { GistUser } from '../../support/gist.js';
import { newest, type TinyTraining, tinyTraining } from '../../support/tiny-training.js';

const quiet = () => undefined;

describe('the evaluation of a tiny run', () => {
  let tiny: TinyTraining;
  let checkpoint: CheckpointRef;
  let input: EvaluateInput;

  before(async () => {
    tiny = await tinyTraining();
    const { prefix } = tiny.job('r').dataset;
    const dataset = datasetRef((await openDataset(tiny.store, prefix)).manifest);
    await superviseTrainer(tiny.job('r', { targetKimg: 0.08 }));
    checkpoint = (await newest(tiny.store, 'r')).ref;
    const spec = pipelineSchema.parse({
      name: 'tiny',
      preprocess: { source: '/images', resolution: 16 },
      train: { kimg: 0.08, snapshotKimg: 0.08 },
      generate: { count: 20, shardImages: 12 },
      evaluate: { maxImages: 16 },
    });
    const set = { runId: 'r', digest: 'd', checkpoint, generate: spec.generate };
    for (const shard of [0, 1]) await tasks.generateShard(tiny.store, { ...set, shard }, quiet);
    const synthetic = await tasks.assembleSynthetic(tiny.store, set, quiet);
    input = { runId: 'r', spec, dataset, synthetic, train: { checkpoint }, reused: [] };
  });
  after(() => tiny?.remove());

  test('features are extracted once per shard, and only for shards with required images', async () => {
    const sets = await tasks.listFeatureSets(
      tiny.store,
      {
        dataset: input.dataset.prefix,
        synthetic: input.synthetic.prefix,
        maxImages: input.spec.evaluate.maxImages,
        extractors: ['effnetlite0'],
      },
      quiet,
    );
    assert.deepEqual(
      sets.map(({ set, shards }) => [set, shards]),
      [
        ['train', 1],
        ['holdout', 1],
        ['synthetic', 2],
      ],
    );
    for (const shard of [0, 1, 2, 3]) {
      await tasks.extractShardFeatures(tiny.store, { sets, shard }, quiet);
    }
    const before = await featureFiles();
    assert.equal(before.length, 4);
    await tasks.extractShardFeatures(tiny.store, { sets, shard: 3 }, quiet);
    assert.deepEqual(await featureFiles(), before);
  });

  test('metrics compare the synthetic set with both real sets, and the real sets with each other', async () => {
    const { metrics, caveats, report, prefix } = await tasks.computeMetrics(tiny.store, input, quiet);
    const pairs = ['holdout', 'train', 'train_vs_holdout'];
    const onPairs = ['fd', 'kid', 'authenticity'].flatMap((base) =>
      pairs.map((pair) => `${base}_effnetlite0.${pair}`),
    );
    const named = (base: string, values: string[]) =>
      pairs.flatMap((pair) => values.map((value) => `${base}_effnetlite0.${pair}.${value}`));
    assert.deepEqual(
      Object.keys(metrics).sort(),
      [
        ...onPairs,
        ...named('kid', ['spread']),
        ...named('pr', ['precision', 'recall']),
        ...named('dc', ['density', 'coverage']),
        ...pairs.map((pair) => `frd.${pair}`),
        'diversity.real.ssim',
        'diversity.synthetic.ssim',
        'images.holdout',
        'images.synthetic',
        'images.train',
      ].sort(),
    );
    assert.ok(caveats?.some((caveat) => caveat.includes('fewer than its 1280 features')));
    assert.ok(caveats?.some((caveat) => caveat.includes('MS-SSIM is left out')));
    assert.equal(metrics['images.synthetic'], 16);
    assert.ok(Object.values(metrics).every(Number.isFinite));
    // With little training, the two real sets of one source are far closer to each other.
    const reference = metrics['fd_effnetlite0.train_vs_holdout'] as number;
    assert.ok((metrics['fd_effnetlite0.train'] as number) > 2 * reference);
    assert.ok(await tiny.store.head(report));
    const written = JSON.parse(Buffer.from(await tiny.store.get(`${prefix}metrics.json`)).toString()) as {
      intervals: Record<string, { low: number; high: number }>;
    };
    for (const name of ['fd_effnetlite0.train', 'kid_effnetlite0.train', 'dc_effnetlite0.train.coverage']) {
      const interval = written.intervals[name];
      assert.ok(interval && interval.low <= interval.high, name);
    }
    assert.ok(caveats?.some((caveat) => caveat.startsWith('fd_infinity_effnetlite0 is left out')));
    assert.ok(caveats?.some((caveat) => /Class ".*" has only \d+/.test(caveat)));
  });

  test('gist metrics gives the figures of the evaluate stage for the same images', async () => {
    const { dataset, synthetic, spec } = input;
    const sets = { dataset: dataset.prefix, synthetic: synthetic.prefix, maxImages: 100 };
    const { metrics: staged } = await evaluateSets(tiny.store, sets, selectedMetrics(spec.evaluate), quiet);
    const user = await GistUser.create();
    try {
      await writeImages(path.join(user.folder, 'real'), 'train', dataset.prefix);
      await writeImages(path.join(user.folder, 'fake'), 'synthetic', synthetic.prefix);
      const compared = await user.json<Record<string, number>>('metrics', '--real', 'real', '--fake', 'fake');
      assert.equal(compared['images.fake'], staged['images.synthetic']);
      const [a, b] = [compared.fd_effnetlite0 as number, staged['fd_effnetlite0.train'] as number];
      assert.ok(Math.abs(a - b) < 1e-6 * b, `${a} and ${b}`);
    } finally {
      await user.leave();
    }
  });

  test('labels are those of the images, in order', async () => {
    const { dataset, synthetic } = input;
    const wanted: number[] = [];
    for await (const { label } of (await openDataset(tiny.store, dataset.prefix)).images('train'))
      wanted.push(label ?? -1);
    const train = await openImageSet(tiny.store, { set: 'train', prefix: dataset.prefix });
    assert.deepEqual(await imageLabels(tiny.store, train, 100), wanted);
    assert.ok(new Set(wanted).size > 1);
    const set = await openImageSet(tiny.store, { set: 'synthetic', prefix: synthetic.prefix });
    assert.equal((await imageLabels(tiny.store, set, 16))?.length, 16);
  });

  test('metrics of the generator are computed once, and its family decides which', async () => {
    const { dataset, synthetic } = input;
    const sets = {
      dataset: dataset.prefix,
      synthetic: synthetic.prefix,
      maxImages: 16,
      generator: { checkpoint: checkpoint.prefix, images: 16 },
    };
    const metrics = ['ppl_effnetlite0', 'eqt50k_int'] as const;
    const first = await evaluateSets(tiny.store, sets, metrics, quiet);
    assert.ok((first.metrics['ppl_effnetlite0.generator'] as number) > 0);
    assert.ok(first.caveats.some((caveat) => caveat.startsWith('eqt50k_int is left out: only the input of')));
    assert.ok(first.caveats.some((caveat) => caveat.includes('on 16 images instead of the 50000')));
    assert.deepEqual((await evaluateSets(tiny.store, sets, metrics, quiet)).metrics, first.metrics);
    const { generator: _, ...without } = sets;
    const none = await evaluateSets(tiny.store, without, metrics, quiet);
    assert.ok(none.caveats.some((caveat) => caveat.includes('this run has no generator')));
  });

  /** The images of a set as files, in the same order. */
  async function writeImages(folder: string, set: SetName, prefix: string): Promise<void> {
    await mkdir(folder);
    const opened = await openImageSet(tiny.store, { set, prefix });
    const { resolution, channels } = opened;
    let written = 0;
    for (const shard of opened.shards.keys()) {
      for await (const pixels of shardImages(tiny.store, opened, shard)) {
        const name = `${String(written++).padStart(4, '0')}.png`;
        await writeFile(path.join(folder, name), await encodePng(pixels, resolution, resolution, channels));
      }
    }
  }

  test('a snapshot gets the same metrics whenever it is evaluated', async () => {
    const train = {
      ...input.spec.train,
      snapshotImages: 20,
      snapshotMetrics: ['fd_effnetlite0' as const, 'kid_effnetlite0' as const],
    };
    const job = { runId: 'r', dataset: input.dataset, train, snapshot: checkpoint };
    const points = await tasks.evaluateSnapshot(tiny.store, job, quiet);
    assert.deepEqual(
      points.map(({ metric, kimg }) => [metric, kimg]),
      [
        ['fd_effnetlite0', checkpoint.kimg],
        ['kid_effnetlite0', checkpoint.kimg],
      ],
    );
    assert.ok((points[0]?.value ?? 0) > 0);
    assert.deepEqual(await tasks.evaluateSnapshot(tiny.store, job, quiet), points);
  });

  test('isTask accepts only the names of existing tasks', () => {
    assert.ok(isTask('computeMetrics'));
    assert.ok(!isTask('toString'));
  });

  async function featureFiles(): Promise<string[]> {
    const found: string[] = [];
    for await (const { key, etag } of tiny.store.list('features/')) found.push(`${key} ${etag}`);
    return found;
  }
});
