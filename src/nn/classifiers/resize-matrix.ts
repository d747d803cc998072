/** Linear interpolation without aliasing, as a matrix: what torchvision's transforms do. */
import type { Tensor4D } from '@tensorflow/tfjs';
import { tf } from '../tensorflow.js';

/**
 * Weights of input pixels for each output pixel, [to, from]. Pixel centers are at 0.5, 1.5, ...
 * When downsampling, the triangle is widened by the scale.
 */
export function resizeMatrix(from: number, to: number): Float32Array {
  const scale = from / to;
  const width = Math.max(1, scale);
  const matrix = new Float32Array(to * from);
  for (let row = 0; row < to; row++) {
    const center = (row + 0.5) * scale;
    const weights = Float64Array.from({ length: from }, (_, k) =>
      Math.max(0, 1 - Math.abs(k + 0.5 - center) / width),
    );
    const sum = weights.reduce((a, b) => a + b);
    for (let k = 0; k < from; k++) matrix[row * from + k] = (weights[k] as number) / sum;
  }
  return matrix;
}

/** Resizes square images, [n, from, from, c] -> [n, to, to, c]. It has no gradient. */
export function resizeImages(x: Tensor4D, to: number): Tensor4D {
  const [n, from, , channels] = x.shape;
  if (from === to) return x;
  const matrix = tf.tensor3d(resizeMatrix(from, to), [1, to, from]);
  const rows = tf.matMul(matrix, tf.reshape(x, [n, from, from * channels]));
  const columns = tf.transpose(tf.reshape(rows, [n, to, from, channels]), [0, 2, 1, 3]);
  const both = tf.matMul(matrix, tf.reshape(columns, [n, from, to * channels]));
  return tf.transpose(tf.reshape(both, [n, to, to, channels]), [0, 2, 1, 3]) as Tensor4D;
}
