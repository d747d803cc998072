/** Convolutions: every form of a gradient gives what the definition gives. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Tensor4D } from '@tensorflow/tfjs';
import { type ConvOptions, conv2d } from '../../../../src/nn/ops/conv.js';
import { tf } from '../../../../src/nn/tensorflow.js';

type Shape = [number, number, number, number];

/**
 * dw[i, j, a, b] = sum of x[n, stride * r + i - padding, stride * c + j - padding, a] * dy[n, r, c,
 * b], in double precision.
 */
function filterGradientByDefinition(
  x: Tensor4D,
  dy: Tensor4D,
  { stride, padding }: ConvOptions,
): Float64Array {
  const [, height, width, inputs] = x.shape;
  const [images, rows, columns, outputs] = dy.shape;
  const [xs, dys] = [x.dataSync(), dy.dataSync()];
  const gradient = new Float64Array(9 * inputs * outputs);
  const add = (i: number, j: number, pixel: number, dyPixel: number) => {
    for (let a = 0; a < inputs; a++)
      for (let b = 0; b < outputs; b++) {
        const at = ((i * 3 + j) * inputs + a) * outputs + b;
        gradient[at] =
          (gradient[at] as number) +
          (xs[pixel * inputs + a] as number) * (dys[dyPixel * outputs + b] as number);
      }
  };
  for (let i = 0; i < 3; i++)
    for (let j = 0; j < 3; j++)
      for (let n = 0; n < images; n++)
        for (let r = 0; r < rows; r++)
          for (let c = 0; c < columns; c++) {
            const [row, column] = [stride * r + i - padding, stride * c + j - padding];
            if (row < 0 || column < 0 || row >= height || column >= width) continue;
            add(i, j, (n * height + row) * width + column, (n * rows + r) * columns + c);
          }
  return gradient;
}

const SAME: ConvOptions = { stride: 1, padding: 1 };
const VALID: ConvOptions = { stride: 1, padding: 0 };
const HALF: ConvOptions = { stride: 2, padding: 0 };

const CASES: [Shape, ConvOptions][] = [
  [[3, 8, 8, 5], SAME],
  [[2, 48, 50, 16], SAME],
  [[2, 48, 56, 3], SAME],
  [[3, 16, 18, 32], SAME],
  [[2, 20, 19, 16], VALID],
  [[3, 7, 9, 16], HALF],
  [[2, 33, 33, 16], HALF],
  [[2, 33, 36, 32], HALF],
  [[2, 36, 35, 16], HALF],
  [[1, 50, 49, 16], { stride: 3, padding: 0 }],
];

for (const [shape, options] of CASES) {
  const { stride, padding } = options;
  test(`the gradient of a 3x3 filter on ${shape.join('x')}, stride ${stride}, padding ${padding}, matches its definition`, () => {
    tf.tidy(() => {
      const x = tf.randomNormal(shape) as Tensor4D;
      const w = tf.zeros([3, 3, shape[3], 6]) as Tensor4D;
      const dy = tf.randomNormal(conv2d(x, w, options).shape) as Tensor4D;
      const gradient = tf.grad((filter) => tf.sum(tf.mul(conv2d(x, filter as Tensor4D, options), dy)))(w);
      const expected = filterGradientByDefinition(x, dy, options);
      const errors = [...gradient.dataSync()].map((value, k) => Math.abs(value - (expected[k] as number)));
      const worst = Math.max(...errors);
      assert.ok(worst < 1e-3, `off by ${worst}`);
    });
  });
}
