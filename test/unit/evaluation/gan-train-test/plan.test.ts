/** Which classifiers are trained, and what is said where some cannot be. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { classifierAnalysis } from '../../../../src/evaluation/gan-train-test/analysis.js';
import { planClassifiers } from '../../../../src/evaluation/gan-train-test/plan.js';
import { type GanTrainTestSpec, ganTrainTestSchema } from '../../../../src/spec/gan-train-test.js';
import { type ObjectStore, openStore, putJson } from '../../../../src/storage/index.js';
import { type Drawn, drawShapes, type StoredSets, writeSets } from '../../../support/classified-sets.js';

const CLASSES = ['0', '2', '1', 'severe'];

describe('the plan of classifiers', () => {
  let folder: string;
  let store: ObjectStore;
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'gist-plan-'));
    process.env.GIST_DATA_CACHE = path.join(folder, 'cache');
    store = openStore(folder);
  });
  after(async () => {
    delete process.env.GIST_DATA_CACHE;
    await rm(folder, { recursive: true, force: true });
  });

  /** So many images of each class, in label order. */
  const images = (counts: number[]): Drawn[] =>
    counts.flatMap((count, label) => drawShapes(count, label).map(({ pixels }) => ({ label, pixels })));
  const write = (train: number[], holdout: number[], synthetic: number[]) =>
    writeSets(
      store,
      { train: images(train), holdout: images(holdout), synthetic: images(synthetic) },
      CLASSES,
    );
  const plan = (sets: StoredSets, spec: Partial<GanTrainTestSpec> = {}, scope: string | null = null) =>
    planClassifiers(store, sets, { ganTrainTest: ganTrainTestSchema.parse(spec), maxImages: 50_000 }, scope);

  test('every network, seed and subset is trained on real images, synthetic ones, and both', async () => {
    const sets = await write([9, 9, 9, 9], [3, 3, 3, 3], [9, 9, 9, 9]);
    const { jobs, groups, caveats } = await plan(sets, { seeds: 2, subsets: [[0, 3]] });
    assert.equal(jobs.length, 2 * 2 * 3);
    assert.deepEqual(
      groups.map(({ name }) => name),
      ['', '0_3'],
    );
    assert.deepEqual(caveats, []);
    assert.equal(new Set(jobs.map(({ prefix }) => prefix)).size, jobs.length);
    assert.deepEqual(
      [...new Set(jobs.map(({ trainedOn }) => trainedOn))],
      ['real', 'synthetic', 'real_and_synthetic'],
    );
    assert.equal(new Set(jobs.map(({ steps }) => steps)).size, 1, 'equal budgets');
  });

  test('results are shared by runs with the same inputs, unless a run must not reuse any', async () => {
    const sets = await write([9, 9, 9, 9], [3, 3, 3, 3], [9, 9, 9, 9]);
    const prefixes = async (...more: [Partial<GanTrainTestSpec>?, (string | null)?]) =>
      (await plan(sets, ...more)).jobs.map(({ prefix }) => prefix).join();
    assert.equal(await prefixes(), await prefixes({ checkpointSeconds: 5 }));
    assert.notEqual(await prefixes(), await prefixes({ steps: 77 }));
    assert.notEqual(await prefixes(), await prefixes({}, 'run-1'));
  });

  test('subsets name classes by name first, then by label', async () => {
    const sets = await write([9, 9, 9, 9], [3, 3, 3, 3], [9, 9, 9, 9]);
    const { groups } = await plan(sets, {
      subsets: [
        [1, 'severe'],
        ['2', 3],
      ],
    });
    assert.deepEqual(
      groups.slice(1).map(({ classes }) => classes),
      [
        ['1', 'severe'],
        ['2', 'severe'],
      ],
    );
    await assert.rejects(
      plan(sets, { subsets: [[0, 'mild']] }),
      /subsets\[0\]: the data set has no class "mild".*"severe"/,
    );
  });

  test('a network or a subset that is named twice is trained once', async () => {
    const sets = await write([9, 9, 9, 9], [3, 3, 3, 3], [9, 9, 9, 9]);
    const { jobs, groups } = await plan(sets, {
      classifiers: ['small', 'small'],
      seeds: 1,
      subsets: [
        [0, 1],
        ['1', '0'],
        ['0', '1'],
        [0, 1, 2, 3],
      ],
    });
    assert.deepEqual(
      groups.map(({ name }) => name),
      ['', '0_2'],
    );
    assert.equal(jobs.length, 2 * 3);
  });

  test('a class with too few images on one side is named and left out, with its subsets', async () => {
    const sets = await write([9, 9, 9, 2], [3, 3, 1, 3], [9, 0, 9, 9]);
    const sparse = await plan(sets, { subsets: [[0, 'severe']] });
    assert.match(sparse.impossible ?? '', /fewer than two classes/);
    assert.match(
      sparse.caveats.join(' '),
      /"2" is left out of the classifiers: 0 synthetic images of at least 5/,
    );
    assert.match(sparse.caveats.join(' '), /"1" is left out .* 1 holdout images of at least 2/);
    assert.match(sparse.caveats.join(' '), /"severe" is left out .* 2 training images of at least 5/);
    const { groups, caveats } = await plan(await write([9, 9, 9, 2], [3, 3, 3, 3], [9, 9, 9, 9]), {
      subsets: [[0, 'severe']],
    });
    assert.deepEqual(
      groups.map(({ classes }) => classes),
      [['0', '2', '1']],
    );
    assert.match(caveats.join(' '), /The subset 0, severe is left out/);
  });

  test('without labels on one side nothing is trained, and the report says why', async () => {
    const sets = await write([9, 9, 9, 9], [3, 3, 3, 3], [9, 9, 9, 9]);
    const manifest = { resolution: 32, channels: 1, classes: null, counts: null };
    await putJson(store, 'runs/u/generate/u/manifest.json', manifest);
    const unlabeled = { ...sets, synthetic: { prefix: 'runs/u/generate/u/', digest: 'u' } };
    const { statement, level, values } = await classifierAnalysis(store, await plan(unlabeled));
    assert.match(statement, /No classifiers were trained: the synthetic set has no labels/);
    assert.equal(level, 'caution');
    assert.deepEqual(values, []);
    const larger = { resolution: 64, channels: 1, classes: CLASSES, counts: [9, 9, 9, 9] };
    await putJson(store, 'runs/u/generate/u/manifest.json', larger);
    assert.match((await plan(unlabeled)).impossible ?? '', /synthetic images have 64 pixels.* real ones 32/);
  });

  test('networks of the paper start from imported weights, or say that they do not', async () => {
    const sets = await write([9, 9, 9, 9], [3, 3, 3, 3], [9, 9, 9, 9]);
    const { jobs, caveats } = await plan(sets, { classifiers: ['resnet101'] });
    assert.equal(jobs[0]?.weights, null);
    assert.match(caveats.join(' '), /resnet101 was trained from scratch.*gist weights fetch resnet101/);
    await assert.rejects(plan(sets, { classifiers: ['vgg19'], initial: 'imagenet' }), /weights of vgg19/);
    assert.deepEqual((await plan(sets, { classifiers: ['vgg19'], initial: 'scratch' })).caveats, []);
  });
});
