/**
 * Resampling filters: each form of them is upsample, pad, convolve, downsample, and its gradient is
 * the transpose.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Tensor4D } from '@tensorflow/tfjs';
import { filter2d, type FilterOptions } from '../../../../src/nn/ops/upfirdn2d.js';
import { tf } from '../../../../src/nn/tensorflow.js';

/** The definition, pixel by pixel, in double precision, for one image of one channel. */
function filterByDefinition(
  x: readonly (readonly number[])[],
  taps: readonly number[],
  { up = 1, down = 1, padding: [before, after] = [0, 0], gain = 1 }: FilterOptions,
): number[][] {
  const sum = taps.reduce((total, tap) => total + tap, 0);
  const outputs = (size: number) => Math.floor((size * up + before + after - taps.length) / down) + 1;
  const at = (row: number, column: number) =>
    row % up === 0 && column % up === 0 ? (x[row / up]?.[column / up] ?? 0) : 0;
  return Array.from({ length: outputs(x.length) }, (_, i) =>
    Array.from({ length: outputs((x[0] as number[]).length) }, (_, j) => {
      let value = 0;
      for (const [a, vertical] of [...taps].reverse().entries())
        for (const [b, horizontal] of [...taps].reverse().entries())
          value += vertical * horizontal * at(i * down + a - before, j * down + b - before);
      return (value * gain) / sum ** 2;
    }),
  );
}

const CASES: [number[], FilterOptions][] = [
  [[1, 3, 3, 1], { padding: [2, 2] }],
  [[1, 3, 3, 1], { padding: [1, 1], gain: 4 }],
  [[1, 3, 3, 1], { down: 2, padding: [1, 1] }],
  [[1, 3, 3, 1], { up: 2, padding: [2, 1], gain: 4 }],
  [[1, 2, 4], { down: 2, padding: [2, 0] }],
  [[1, 2, 4], { padding: [-1, 2] }],
  [[1, 2, 4, 3, 9, 1], { up: 2, down: 3, padding: [3, 4] }],
  [[1, 2, 4, 3, 9, 1], { up: 4, down: 2, padding: [3, 4] }],
  [[1, 2, 4, 3, 9, 1], { up: 2, down: 4, padding: [3, 4] }],
  // Nothing of the picture is left.
  [[1, 2, 4], { down: 3, padding: [12, -10] }],
  // Some outputs meet no tap.
  [[1, 2], { up: 4, padding: [2, 3] }],
];

for (const [taps, options] of CASES) {
  const name = `taps ${taps.join(' ')} with ${JSON.stringify(options)}`;

  test(`${name}: the output matches the definition`, () => {
    tf.tidy(() => {
      const x = tf.randomNormal([1, 9, 12, 1]) as Tensor4D;
      const rows = tf.reshape(x, [9, 12]).arraySync() as number[][];
      const expected = filterByDefinition(rows, taps, options);
      const y = filter2d(x, taps, options);
      assert.deepEqual(y.shape, [1, expected.length, (expected[0] as number[]).length, 1]);
      const flat = expected.flat();
      for (const [i, value] of y.dataSync().entries())
        assert.ok(Math.abs(value - (flat[i] as number)) < 1e-5);
    });
  });

  test(`${name}: the gradient is the transpose, and its gradient is the filter`, () => {
    tf.tidy(() => {
      const x = tf.randomNormal([2, 9, 12, 3]) as Tensor4D;
      const y = filter2d(x, taps, options);
      const dy = tf.randomNormal(y.shape) as Tensor4D;
      const pull = (weights: Tensor4D) =>
        tf.grad((z) => tf.sum(tf.mul(filter2d(z as Tensor4D, taps, options), weights)))(x);
      const sides = [tf.sum(tf.mul(y, dy)), tf.sum(tf.mul(x, pull(dy)))].map(
        (sum) => sum.dataSync()[0] as number,
      );
      assert.ok(
        Math.abs((sides[0] as number) - (sides[1] as number)) < 1e-3,
        `<Ax, y> and <x, A'y>: ${sides.join(' and ')}`,
      );
      const again = tf.grad((weights) => tf.sum(tf.mul(pull(weights as Tensor4D), x)))(dy);
      const worst = tf.max(tf.abs(tf.sub(again, y))).dataSync()[0] as number;
      assert.ok(worst < 1e-5, `off by ${worst}`);
    });
  });
}
