/** Metrics of a tiny end-to-end run: training, synthetic set, features, report. */
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { evaluateSets } from '../../../src/evaluation/evaluate.js';
import { planClassifiers } from '../../../src/evaluation/gan-train-test/plan.js';
import { imageLabels, openImageSet, shardImages } from '../../../src/evaluation/image-sets.js';
import { superviseTrainer } from '../../../src/training/index.js';
import { datasetRef, encodePng, openDataset } from '../../../src/imaging/index.js';
import type { AnalysisResult } from '../../../src/spec/analyses.js';
import { ganTrainTestSchema } from '../../../src/spec/gan-train-test.js';
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
      generate: { count: 20, shardImages: 12, card: { license: 'CC0-1.0' } },
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
    const { metrics, caveats, report, prefix, conclusion } = await tasks.computeMetrics(
      tiny.store,
      input,
      quiet,
    );
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
        // 32 training images and 8 unseen ones are too few for the other analyses.
        ...Object.keys(metrics).filter((name) => name.startsWith('nuisances.')),
      ].sort(),
    );
    assert.ok(caveats?.some((caveat) => caveat.includes('fewer than its 1280 features')));
    assert.ok(caveats?.some((caveat) => caveat.includes('MS-SSIM is left out')));
    assert.equal(metrics['images.synthetic'], 16);
    assert.ok(Object.values(metrics).every(Number.isFinite));
    // With little training, the two real sets of one source are far closer to each other.
    const reference = metrics['fd_effnetlite0.train_vs_holdout'] as number;
    assert.ok((metrics['fd_effnetlite0.train'] as number) > 2 * reference);
    for (const name of ['metrics.json', 'figures/map.png', 'figures/real-class-0.png'])
      assert.ok(await tiny.store.head(`${prefix}${name}`), name);
    const page = await textOf(report);
    for (const id of ['summary', 'images', 'metrics', 'map', 'training', 'data-set', 'lineage', 'next'])
      assert.match(page, new RegExp(`<section id="${id}"`));
    assert.match(page, /Each class.*<figcaption>early<.*<figcaption>late</s);
    assert.equal(conclusion?.level, 'warning', 'hardly any training');
    for (const sentence of [conclusion.headline, ...conclusion.shows, ...conclusion.limits])
      assert.ok(page.includes(sentence), sentence);
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

  test('classifiers that were trained are part of the metrics and of the report', async () => {
    const ganTrainTest = ganTrainTestSchema.parse({ seeds: 1, steps: 2, batch: 4 });
    const { dataset, synthetic } = input;
    const classifiers = await planClassifiers(tiny.store, input, { ganTrainTest, maxImages: 40 }, null);
    for (const job of classifiers.jobs) {
      const sets = { dataset: dataset.prefix, synthetic: synthetic.prefix };
      await tasks.trainClassifier(tiny.store, { job, ...sets, checkpointSeconds: 60 }, quiet);
    }
    const one = { ...input.spec, evaluate: { ...input.spec.evaluate, metrics: ['diversity' as const] } };
    const result = await tasks.computeMetrics(tiny.store, { ...input, spec: one, classifiers }, quiet);
    const base = result.metrics['classifiers.small.accuracy.base'] ?? assert.fail();
    assert.ok(base >= 0 && base <= 1);
    const written = JSON.parse(Buffer.from(await tiny.store.get(`${result.prefix}metrics.json`)).toString());
    const { tables, caveats } =
      (written.analyses as AnalysisResult[]).find(({ analysis }) => analysis === 'classifiers') ??
      assert.fail();
    assert.deepEqual(
      tables[0]?.rows.map(([, approach]) => approach),
      ['Base', 'GAN-train', 'GAN-test', 'Real + synthetic', 'Most frequent class', 'Random by frequency'],
    );
    assert.equal(tables.filter(({ kind }) => kind === 'matrix').length, 4);
    assert.match(caveats.join(' '), /tested on 8 holdout images only/);
  });

  test('an evaluation that starts again keeps its finished analyses', async () => {
    const one = { ...input.spec, evaluate: { ...input.spec.evaluate, metrics: ['diversity' as const] } };
    const evaluate = async () => {
      const { prefix } = await tasks.computeMetrics(tiny.store, { ...input, spec: one }, quiet);
      const { analyses } = JSON.parse(await textOf(`${prefix}metrics.json`)) as {
        analyses: AnalysisResult[];
      };
      return { prefix, statement: analyses.find(({ analysis }) => analysis === 'nuisances')?.statement };
    };
    const { prefix } = await evaluate();
    const key = `${prefix}analyses/nuisances.json`;
    const text = await textOf(key);
    const { result, ...found } = JSON.parse(text);
    const changed = JSON.stringify({ ...found, result: { ...result, statement: 'Kept.' } });
    await tiny.store.put(key, Buffer.from(changed));
    assert.equal((await evaluate()).statement, 'Kept.');
    await tiny.store.put(key, Buffer.from(text));
  });

  test('rejected images are left out of a second set, with its own manifest, labels and card', async () => {
    const evaluate = { ...input.spec.evaluate, metrics: ['diversity' as const] };
    const spec = { ...input.spec, generate: { ...input.spec.generate, rejectAbove: 0.99 }, evaluate };
    const few = await tasks.computeMetrics(tiny.store, { ...input, spec }, quiet);
    assert.equal(few.accepted, undefined);
    assert.ok(few.caveats?.some((caveat) => caveat.includes('too few real images to judge by')));
    // As if the images had been judged by more real ones.
    const rejected = [0, 3, 12, 13];
    const key = `${few.prefix}analyses/artifacts.json`;
    const { result, ...found } = JSON.parse(await textOf(key));
    const values = [{ name: 'rejected', title: 'Rejected', value: 4, text: '', digits: 0 }];
    const put = (name: string, value: unknown) => tiny.store.put(name, Buffer.from(JSON.stringify(value)));
    await put(key, { ...found, result: { ...result, values } });
    await put(`${few.prefix}artifacts.json`, { rejected, pValue: Array.from({ length: 16 }, () => 0.5) });
    const { accepted, caveats } = await tasks.computeMetrics(tiny.store, { ...input, spec }, quiet);
    assert.ok(accepted);
    // 16 of 20 images are judged (evaluate.maxImages).
    assert.equal(accepted.images, 12);
    assert.ok(
      caveats?.some((caveat) => caveat.includes(accepted.prefix) && caveat.includes('4 images beyond')),
    );
    const read = async (prefix: string) => {
      const set = await openImageSet(tiny.store, { set: 'synthetic', prefix });
      const images: string[] = [];
      for (const shard of set.shards.keys())
        for await (const pixels of shardImages(tiny.store, set, shard))
          images.push(Buffer.from(pixels).toString('base64'));
      return { images, labels: (await imageLabels(tiny.store, set, 100)) ?? [] };
    };
    const all = await read(input.synthetic.prefix);
    const own = await read(accepted.prefix);
    const isKept = (_: unknown, i: number) => i < 16 && !rejected.includes(i);
    assert.deepEqual(own, { images: all.images.filter(isKept), labels: all.labels.filter(isKept) });
    const card = await textOf(`${accepted.prefix}DATA-CARD.md`);
    assert.match(card, /of 16 images of `.*`, 4 are more unusual than 99 % of real ones/);
    assert.match(card, /\| Images \| 12, /);
    assert.equal(all.images.length, 20, 'the first set is as it was');
    const again = await tasks.computeMetrics(tiny.store, { ...input, spec }, quiet);
    assert.deepEqual(again.accepted, accepted);
    // A later run evaluates it by its address.
    const synthetic = { ...input.synthetic, ...accepted };
    const later = await tasks.computeMetrics(tiny.store, { ...input, synthetic }, quiet);
    assert.equal(later.metrics['images.synthetic'], 12);
  });

  test('the values are also in a CSV file and a LaTeX table', async () => {
    const { metrics, prefix } = await tasks.computeMetrics(tiny.store, input, quiet);
    const lines = (await textOf(`${prefix}metrics.csv`)).trim().split('\r\n');
    const [name, , value, , , floor] = (
      lines.find((line) => line.startsWith('fd_effnetlite0.holdout')) ?? ''
    ).split(',');
    assert.equal(name, 'fd_effnetlite0.holdout');
    assert.equal(Number(value), metrics[name]);
    assert.equal(Number(floor), metrics['fd_effnetlite0.train_vs_holdout']);
    assert.match(
      await textOf(`${prefix}metrics.tex`),
      /unseen real images & effnetlite0 & [\d.]+ & [\d.]+ & 16 \\\\/,
    );
  });

  test('the data card beside the synthetic set says what it was made from, and gets the values', async () => {
    const key = `${input.synthetic.prefix}DATA-CARD.md`;
    const set = { runId: 'r', digest: 'd', checkpoint, generate: input.spec.generate };
    await tasks.assembleSynthetic(tiny.store, set, quiet);
    const before = await textOf(key);
    for (const text of [
      'learned from 32 real images; 8 more were held out',
      'early: 16, late: 16',
      '| License | CC0-1.0 |',
      'No privacy figures were computed',
      '| Seeds | 0 to 19 |',
    ])
      assert.ok(before.includes(text), text);
    const { prefix } = await tasks.computeMetrics(tiny.store, input, quiet);
    const after = await textOf(key);
    assert.match(after, /authenticity_effnetlite0\.train/);
    assert.ok(after.includes('| License | CC0-1.0 |'));
    assert.equal(await textOf(`${prefix}DATA-CARD.md`), after);
  });

  test('`gist generate` writes a data card into its folder, with the facts that were given', async () => {
    const user = await GistUser.create();
    const address = `${tiny.store.uri}${checkpoint.prefix}`;
    const make = (...args: string[]) =>
      user.gist('generate', '--checkpoint', address, '--seeds', '0-3', '--out', 'made', ...args);
    try {
      const made = await make('--card', 'license=CC0-1.0', '--card', 'modality=phantoms');
      assert.equal(made.code, 0, made.stderr);
      const card = await readFile(path.join(user.folder, 'made', 'DATA-CARD.md'), 'utf8');
      for (const text of ['| Images | 4, 16 x 16 pixels, gray |', 'CC0-1.0', 'phantoms', 'early: 2, late: 2'])
        assert.ok(card.includes(text), text);
      const wrong = await make('--card', 'owner=me');
      assert.equal(wrong.code, 2);
      assert.match(wrong.stderr, /license/);
    } finally {
      await user.leave();
    }
  });

  async function textOf(key: string): Promise<string> {
    return Buffer.from(await tiny.store.get(key)).toString('utf8');
  }

  test('gist metrics gives the figures of the evaluate stage for the same images', async () => {
    const { dataset, synthetic, spec } = input;
    const sets = { dataset: dataset.prefix, synthetic: synthetic.prefix, maxImages: 100 };
    const { metrics: staged } = await evaluateSets(tiny.store, sets, selectedMetrics(spec.evaluate), quiet);
    const user = await GistUser.create();
    try {
      await writeImages(path.join(user.folder, 'real'), 'train', dataset.prefix);
      await writeImages(path.join(user.folder, 'fake'), 'synthetic', synthetic.prefix);
      // As unseen images the same ones do: what is judged here is that their options work together.
      const analyzed = ['--holdout', 'real', '--analyses', 'memorization,nuisances', '--out', 'evidence'];
      const compared = await user.json<Record<string, number> & { analyses: AnalysisResult[] }>(
        'metrics',
        ...['--real', 'real', '--fake', 'fake', ...analyzed],
      );
      assert.equal(compared['images.fake'], staged['images.synthetic']);
      const [a, b] = [compared.fd_effnetlite0 as number, staged['fd_effnetlite0.train'] as number];
      assert.ok(Math.abs(a - b) < 1e-6 * b, `${a} and ${b}`);
      const figures = compared.analyses.flatMap((result) => result.figures.map(({ file }) => file));
      assert.ok(figures.includes('figures/memorization-pairs.png'));
      assert.ok(figures.some((file) => file.startsWith('figures/nuisance-')));
      for (const file of [...figures, 'memorization.json'])
        assert.ok((await readFile(path.join(user.folder, 'evidence', file))).length > 0, file);
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
