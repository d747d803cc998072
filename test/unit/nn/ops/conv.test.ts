/** Convolutions: every form of a gradient gives what the definition gives. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Tensor4D } from '@tensorflow/tfjs';
import { conv2d } from '../../../../src/nn/ops/conv.js';
import { tf } from '../../../../src/nn/tensorflow.js';

type Shape = [number, number, number, number];

/** dw[i, j, a, b] = sum of x[n, r + i - 1, c + j - 1, a] * dy[n, r, c, b], in double precision. */
function filterGradientByDefinition(x: Tensor4D, dy: Tensor4D): Float64Array {
  const [images, height, width, inputs] = x.shape;
  const outputs = dy.shape[3];
  const [xs, dys] = [x.dataSync(), dy.dataSync()];
  const gradient = new Float64Array(9 * inputs * outputs);
  for (let i = 0; i < 3; i++)
    for (let j = 0; j < 3; j++)
      for (let n = 0; n < images; n++)
        for (let r = Math.max(0, 1 - i); r < Math.min(height, height + 1 - i); r++)
          for (let c = Math.max(0, 1 - j); c < Math.min(width, width + 1 - j); c++)
            for (let a = 0; a < inputs; a++)
              for (let b = 0; b < outputs; b++) {
                const pixel = (n * height + r + i - 1) * width + c + j - 1;
                const at = ((i * 3 + j) * inputs + a) * outputs + b;
                gradient[at] =
                  (gradient[at] as number) +
                  (xs[pixel * inputs + a] as number) *
                    (dys[((n * height + r) * width + c) * outputs + b] as number);
              }
  return gradient;
}

for (const shape of [
  [3, 8, 8, 5],
  [2, 48, 50, 16],
  [2, 48, 56, 3],
] as Shape[]) {
  test(`the gradient of a 3x3 filter on ${shape.join('x')} is what its definition says`, () => {
    tf.tidy(() => {
      const x = tf.randomNormal(shape) as Tensor4D;
      const dy = tf.randomNormal([shape[0], shape[1], shape[2], 6]) as Tensor4D;
      const w = tf.zeros([3, 3, shape[3], 6]) as Tensor4D;
      const gradient = tf.grad((filter) =>
        tf.sum(tf.mul(conv2d(x, filter as Tensor4D, { stride: 1, padding: 1 }), dy)),
      )(w);
      const expected = filterGradientByDefinition(x, dy);
      const errors = [...gradient.dataSync()].map((value, k) => Math.abs(value - (expected[k] as number)));
      const worst = Math.max(...errors);
      assert.ok(worst < 1e-3, `off by ${worst}`);
    });
  });
}
