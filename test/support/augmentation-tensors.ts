/** Small tensors for tests of augmentation. */
import assert from 'node:assert/strict';
import type { Tensor, Tensor1D, Tensor4D } from '@tensorflow/tfjs';
import { normalValues } from '../../src/gan/networks/parameters.js';
import { tf } from '../../src/nn/tensorflow.js';

/** One gray image from its rows. */
export function gray(rows: number[][]): Tensor4D {
  return tf.tensor4d(rows.flat(), [1, rows.length, rows.length, 1]);
}

/** Rows of the one gray image. */
export function rowsOfGray(images: Tensor): number[][] {
  const side = images.shape[1] as number;
  const values = Array.from(images.dataSync());
  return Array.from({ length: side }, (_, y) => values.slice(y * side, (y + 1) * side));
}

/** Random images, of standard deviation 0.5. */
export function randomImages(n: number, side: number, channels: number, seed = 1): Tensor4D {
  const size = n * side * side * channels;
  return tf.tensor4d(normalValues(size, 0.5, seed, 'images'), [n, side, side, channels]);
}

/** The same number for each image. */
export function each(n: number, value: number): Tensor1D {
  return tf.fill([n], value) as Tensor1D;
}

export function assertNear(found: Tensor, wanted: Tensor, tolerance: number): void {
  assert.deepEqual(found.shape, wanted.shape);
  const [a, b] = [found.dataSync(), wanted.dataSync()];
  a.forEach((value, i) => {
    const error = Math.abs(value - (b[i] as number));
    assert.ok(error <= tolerance, `element ${i}: ${value} instead of ${b[i]}`);
  });
}

/** Seeds of a phase's random numbers. */
export function seedOf(value: number): Tensor {
  return tf.tensor1d([value, 7 * value + 1], 'int32');
}
