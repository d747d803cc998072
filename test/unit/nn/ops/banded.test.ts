/**
 * Matrices that are zero off a band: cut into blocks or not, they are the matrices, and their
 * gradients the transposes.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Tensor4D } from '@tensorflow/tfjs';
import { alongHeight, type Band } from '../../../../src/nn/ops/banded.js';
import { tf } from '../../../../src/nn/tensorflow.js';

/** Two inputs an output, some taps around. */
function bandOf(outputs: number): Band {
  const inputs = outputs * 2;
  const values = new Float32Array(outputs * inputs);
  for (let i = 0; i < outputs; i++)
    for (let j = Math.max(0, 2 * i - 3); j < Math.min(inputs, 2 * i + 5); j++)
      values[i * inputs + j] = Math.sin(i * 7 + j);
  return { outputs, inputs, values };
}

for (const outputs of [6, 300]) {
  test(`a matrix of ${outputs} rows multiplies the columns of images, and its gradient is the transpose`, () => {
    tf.tidy(() => {
      const matrix = bandOf(outputs);
      const x = tf.randomNormal([2, matrix.inputs, 3, 2], 0, 1, 'float32', 1) as Tensor4D;
      const dense = tf.tensor2d(matrix.values, [outputs, matrix.inputs]);
      const byDefinition = (z: Tensor4D) =>
        tf.stack(
          tf
            .unstack(tf.reshape(z, [2, matrix.inputs, 6]))
            .map((picture) => tf.matMul(dense, picture as never)),
        );
      const y = alongHeight(x, matrix);
      assert.deepEqual(y.shape, [2, outputs, 3, 2]);
      const off = tf.max(tf.abs(tf.sub(tf.reshape(y, [2, outputs, 6]), byDefinition(x))));
      assert.ok((off.dataSync()[0] as number) < 1e-5);
      const back = (of: (z: Tensor4D) => ReturnType<typeof tf.square>) =>
        tf.grad((z) => tf.sum(tf.square(of(z as Tensor4D))))(x);
      const gradients = [back((z) => alongHeight(z, matrix)), back(byDefinition)] as const;
      assert.ok((tf.max(tf.abs(tf.sub(...gradients))).dataSync()[0] as number) < 1e-4);
    });
  });
}
