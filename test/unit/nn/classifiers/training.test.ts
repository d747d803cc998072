/** The training of classifiers: every kind of layer predicts and is differentiated as it should. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Classifier,
  compileClassifier,
  initialValues,
  trainingDefinition,
} from '../../../../src/nn/classifiers/index.js';
import { createProgram, type Values } from '../../../../src/nn/program/program.js';
import { formulaState } from '../../../support/formula-weights.js';
import { tinyClassifier } from '../../../support/tiny-classifier.js';

const CLASSES = 3;
const shape = { batch: 4, resolution: 6, channels: 1 } as const;
const images = Float32Array.from({ length: 4 * 36 }, (_, i) => (i * 37) % 251);
const targets = Float32Array.from({ length: 4 * CLASSES }, (_, i) =>
  i % CLASSES === Math.floor(i / CLASSES) % CLASSES ? 1 : 0,
);
const still = { rate: Float32Array.of(0), decay: Float32Array.of(0) };

const program = (classifier: Classifier) =>
  createProgram(trainingDefinition(classifier, CLASSES, shape), { mode: 'graph' });

test('with published weights, predictions are those of the extractor of the same network', async () => {
  // Without resizing, and with a head of as many classes.
  const classifier = { ...tinyClassifier(CLASSES), side: shape.resolution };
  const state = formulaState(classifier, 3);
  const trained = await program(classifier);
  const values = initialValues(classifier, CLASSES, { seed: 0, state });
  values['head.kernel'] = state['head.weight']?.data as Float32Array;
  values['head.bias'] = state['head.bias']?.data as Float32Array;
  await trained.restore(values);
  const { probabilities } = await trained.run('predict', { images });
  const published = await compileClassifier(classifier, state, { batch: 4, where: 'weights' });
  const rgb = Float32Array.from({ length: images.length * 3 }, (_, i) => images[Math.floor(i / 3)] as number);
  const { logits } = await published.run(rgb);
  for (let image = 0; image < 4; image++) {
    const own = Array.from((logits as Float32Array).subarray(image * CLASSES, (image + 1) * CLASSES));
    const sum = own.reduce((total, value) => total + Math.exp(value), 0);
    for (const [label, value] of own.entries()) {
      const found = probabilities?.[image * CLASSES + label] as number;
      assert.ok(Math.abs(found - Math.exp(value) / sum) < 1e-4, `${found} ${Math.exp(value) / sum}`);
    }
  }
});

test('gradients are those of finite differences, through every kind of layer', async () => {
  const classifier = tinyClassifier(CLASSES);
  const trained = await program(classifier);
  const start = initialValues(classifier, CLASSES, { seed: 5, state: null });
  const lossAt = async (values: Values) => {
    await trained.restore(values);
    return (await trained.run('step', { images, targets, ...still })).loss?.[0] as number;
  };
  await lossAt(start);
  const after = await trained.read();
  const H = 1e-3;
  let compared = 0;
  for (const name of Object.keys(start).filter(
    (own) => /kernel|scale|shift|bias/.test(own) && !/^[mv]\./.test(own),
  )) {
    // The first moment of AdamW after one step is a tenth of the gradient.
    const gradient = (after[`m.${name}`] as Float32Array).map((value) => value * 10);
    // The largest component is the one that rounding hides least.
    const index = gradient.reduce(
      (best, value, i) => (Math.abs(value) > Math.abs(gradient[best] as number) ? i : best),
      0,
    );
    const moved = async (by: number) => {
      const changed = (start[name] as Float32Array).slice();
      changed[index] = (changed[index] as number) + by;
      return lossAt({ ...start, [name]: changed });
    };
    const difference = ((await moved(H)) - (await moved(-H))) / (2 * H);
    const expected = gradient[index] as number;
    if (Math.abs(expected) < 1e-3) continue;
    compared++;
    assert.ok(
      Math.abs(difference - expected) < 0.05 * Math.abs(expected) + 2e-3,
      `${name}: ${difference}, ${expected}`,
    );
  }
  assert.ok(compared >= 12, String(compared));
});

test('the head of a network gets the number of classes, and all other weights are kept', () => {
  const classifier = tinyClassifier(7);
  const state = formulaState(classifier, 1);
  const values = initialValues(classifier, CLASSES, { seed: 0, state });
  assert.equal(values['head.bias']?.length, CLASSES);
  assert.deepEqual(values['norm0.mean'], state['norm0.running_mean']?.data);
});
