/** Tests of the order of training images, and of minibatches. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TrainingData, type TrainingImages } from '../../../src/training/data.js';

/** 2x2 images whose bytes are 4 * index ... 4 * index + 3. */
function images(count: number, channels: 1 | 3 = 1): TrainingImages {
  return {
    count,
    resolution: 2,
    channels,
    classes: ['a', 'b'],
    label: (index) => index % 2,
    pixels: (index) => Uint8Array.from({ length: 4 * channels }, (_, i) => 4 * channels * index + i),
  };
}

const options = { seed: 5, mirror: false, labelDim: 2 };

test('every epoch shows every image once, in another order', () => {
  const data = new TrainingData(images(20), options);
  const epoch = (n: number) => Array.from({ length: 20 }, (_, i) => data.indexAt(20 * n + i));
  const sorted = (list: number[]) => [...list].sort((a, b) => a - b);
  assert.deepEqual(
    sorted(epoch(0)),
    Array.from({ length: 20 }, (_, i) => i),
  );
  assert.deepEqual(sorted(epoch(1)), sorted(epoch(0)));
  assert.notDeepEqual(epoch(1), epoch(0));
});

test('a batch does not depend on the batches drawn before it, even at the end of an epoch', () => {
  const walked = new TrainingData(images(20), { ...options, mirror: true });
  let last = walked.batch(0, 8);
  for (let position = 8; position <= 16; position += 8) last = walked.batch(position, 8);
  assert.deepEqual(new TrainingData(images(20), { ...options, mirror: true }).batch(16, 8), last);
});

test('pixels become -1...1 and labels one-hot', () => {
  const data = new TrainingData(images(20), options);
  const index = data.indexAt(3);
  const { real, labels } = data.batch(3, 1);
  assert.deepEqual([...real], [...Float32Array.from([0, 1, 2, 3], (i) => (4 * index + i) / 127.5 - 1)]);
  assert.deepEqual([...labels], index % 2 === 0 ? [1, 0] : [0, 1]);
});

test('about half of the images are mirrored, left to right, with the channels of a pixel together', () => {
  const plain = new TrainingData(images(20, 3), options);
  const mirrored = new TrainingData(images(20, 3), { ...options, mirror: true });
  let flips = 0;
  for (let position = 0; position < 200; position++) {
    const a = [...plain.batch(position, 1).real];
    const b = [...mirrored.batch(position, 1).real];
    const flipped = [...a.slice(3, 6), ...a.slice(0, 3), ...a.slice(9, 12), ...a.slice(6, 9)];
    assert.ok(String(b) === String(a) || String(b) === String(flipped));
    if (String(b) === String(flipped)) flips++;
  }
  assert.ok(flips > 60 && flips < 140, `${flips} of 200`);
});

test('an unconditional training has no labels', () => {
  const data = new TrainingData(images(20), { ...options, labelDim: 0 });
  assert.equal(data.batch(0, 4).labels.length, 0);
  assert.equal(data.randomLabels('labels', 0, 4).length, 0);
});

test('labels of generated images are as frequent as in the training set', () => {
  const data = new TrainingData({ ...images(20), label: (index) => (index < 5 ? 1 : 0) }, options);
  const labels = data.randomLabels('labels', 0, 1000);
  const ones = labels.filter((value, i) => i % 2 === 1 && value === 1).length;
  assert.ok(ones > 180 && ones < 320, `${ones} of 1000`);
  assert.deepEqual(data.randomLabels('labels', 0, 1000), labels);
});
