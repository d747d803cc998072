/** The gradient of a 3x3 filter as a few large matrix products over shifted views of all pixels. */
import type { Tensor, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs';
import { tf } from '../tensorflow.js';

/**
 * dw[i, j, a, b] = sum over images and pixels of x[row + i - r, column + j - r, a] * dy[row, column, b], with r = (k - 1) / 2
 * and zeros outside of x: what `Conv2DBackpropFilter` computes at stride 1 with padding "same".
 *
 * Pictures are written one after the other, r rows of zeros before each picture and r columns of zeros before each row. A shift
 * in both directions then is a shift along that one sequence: a view, not a copy. The k shifts along a row stand side by side,
 * so that k products do for k * k.
 *
 * x [n, h, w, in], dy [n, h, w, out] -> [k, k, in, out]
 */
export function shiftedProducts(
  x: Tensor4D,
  dy: Tensor4D,
  [kernel, , inputs, outputs]: readonly [number, number, number, number],
): Tensor4D {
  const radius = (kernel - 1) / 2;
  const [images, height, width] = x.shape;
  const row = width + radius;
  const pixels = images * (height + radius) * row;
  // Before the first pixel there are only zeros; after the last one shifts go on into a picture of zeros.
  const first = radius * (row + 1);
  const count = pixels - first;
  const sequence = spaced(x, radius, 1);
  const length = count + 2 * radius * row;
  const columns = Array.from({ length: kernel }, (_, j) => tf.slice(sequence, [j, 0], [length, inputs]));
  const wide = tf.concat(columns, 1) as Tensor2D;
  const gradient = tf.slice(spaced(dy, radius, 0), [first, 0], [count, outputs]);
  const rows = Array.from({ length: kernel }, (_, i) =>
    product(gradient, tf.slice(wide, [i * row, 0], [count, kernel * inputs])),
  );
  const stacked = tf.reshape(tf.concat(rows, 0), [kernel, outputs, kernel, inputs]);
  return tf.transpose(stacked, [0, 2, 3, 1]) as Tensor4D;
}

/** [n, h, w, c] -> [pixels, c], zeros before each picture and each row, and `more` pictures of zeros. */
function spaced(x: Tensor4D, radius: number, more: number): Tensor2D {
  const padded = tf.pad(x, [
    [0, more],
    [radius, 0],
    [radius, 0],
    [0, 0],
  ]);
  return tf.reshape(padded, [-1, x.shape[3]]);
}

/** a [pixels, m], b [pixels, n] -> a transposed times b, [1, m, n] */
function product(a: Tensor2D, b: Tensor2D): Tensor3D {
  const [left, right] = [tf.expandDims(a, 0), tf.expandDims(b, 0)];
  const inputs = { a: left, b: right };
  return tf
    .engine()
    .runKernel('BatchMatMul', inputs, { transposeA: true, transposeB: false }) as Tensor as Tensor3D;
}
