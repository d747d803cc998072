/** GAN-train and GAN-test on drawn shapes: what each kind of synthetic set shows. */
import '../../support/two-threads.js';
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { classifierAnalysis } from '../../../src/evaluation/gan-train-test/analysis.js';
import { planClassifiers } from '../../../src/evaluation/gan-train-test/plan.js';
import { trainClassifier } from '../../../src/evaluation/gan-train-test/train.js';
import { ganTrainTestSchema } from '../../../src/spec/gan-train-test.js';
import type { AnalysisResult } from '../../../src/spec/analyses.js';
import { type ObjectStore, openStore } from '../../../src/storage/index.js';
import { type Drawn, drawShapes, SHAPES, writeSets } from '../../support/classified-sets.js';

const CHANCE = 1 / SHAPES.length;
const spec = ganTrainTestSchema.parse({ seeds: 1, steps: 100, batch: 24 });

const real = { train: drawShapes(240, 1), holdout: drawShapes(150, 2) };
const fresh = drawShapes(240, 3);

describe('GAN-train and GAN-test', () => {
  let folder: string;
  let store: ObjectStore;
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'gist-classifiers-'));
    store = openStore(folder);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** Trains all classifiers on a synthetic set beside the real ones. */
  async function analyze(synthetic: Drawn[]): Promise<AnalysisResult> {
    const sets = await writeSets(store, { ...real, synthetic });
    const plan = await planClassifiers(store, sets, { ganTrainTest: spec, maxImages: 1000 }, null);
    for (const job of plan.jobs) {
      const input = {
        job,
        dataset: sets.dataset.prefix,
        synthetic: sets.synthetic.prefix,
        checkpointSeconds: 60,
      };
      await trainClassifier(store, input, () => undefined);
    }
    return classifierAnalysis(store, plan);
  }

  const accuracy = ({ values }: AnalysisResult, setting: string) =>
    values.find(({ name }) => name === `small.accuracy.${setting}`)?.value ?? assert.fail(setting);

  test('a fresh sample of the true distribution serves as well as the training images', async () => {
    const result = await analyze(fresh);
    assert.ok(accuracy(result, 'base') > 0.85, 'far above chance');
    assert.ok(Math.abs(accuracy(result, 'gan_train') - accuracy(result, 'base')) < 0.1);
    assert.ok(Math.abs(accuracy(result, 'gan_test') - accuracy(result, 'base')) < 0.1);
    assert.equal(result.level, 'good');
  });

  test('with permuted labels, classifiers of the synthetic images know nothing of real ones', async () => {
    const result = await analyze(
      fresh.map(({ pixels }, i) => ({ pixels, label: Math.floor(i / SHAPES.length) % SHAPES.length })),
    );
    assert.ok(Math.abs(accuracy(result, 'gan_train') - CHANCE) < 0.15);
    assert.ok(Math.abs(accuracy(result, 'gan_test') - CHANCE) < 0.1);
    assert.equal(result.level, 'warning');
  });

  test('one mode for each class is recognized, and teaches little', async () => {
    const modes = drawShapes(SHAPES.length, 5);
    const result = await analyze(
      fresh.map((_, i) => {
        const { label, pixels } = modes[i % SHAPES.length] as Drawn;
        return { label, pixels: pixels.map((value, at) => value + ((at * 7 + i) % 5)) };
      }),
    );
    assert.ok(accuracy(result, 'gan_test') > 0.95);
    assert.ok(accuracy(result, 'gan_train') < accuracy(result, 'base') - 0.2);
    assert.equal(result.level, 'warning');
    assert.match(result.statement, /miss something that tells the classes apart/);
  });
});
