/** The gradient of a 3x3 filter as a few large matrix products over shifted views of all pixels. */
import type { Tensor, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs';
import { tf } from '../tensorflow.js';

/** Pictures as one sequence of pixels, in which a shift in both directions is a shift along the sequence: a view, not a copy. */
interface Sequences {
  /** [pixels, in] */
  x: Tensor2D;
  /** [count, out]: zero where a shift of `x` would leave its row or picture. */
  dy: Tensor2D;
  /** Pixels from a row to the next. */
  row: number;
}

/**
 * dw[i, j, a, b] = sum over images and pixels of x[row + i, column + j, a] * dy[row, column, b]: what `Conv2DBackpropFilter` computes at
 * stride 1 with padding "valid"; with "same" x stands r = (k - 1) / 2 pixels further, with zeros outside of it.
 *
 * The k shifts along a row stand side by side, so that k products do for k * k.
 *
 * x [n, h, w, in], dy [n, h', w', out] -> [k, k, in, out]
 */
export function shiftedProducts(
  x: Tensor4D,
  dy: Tensor4D,
  [kernel, , inputs, outputs]: readonly [number, number, number, number],
  pad: 'same' | 'valid',
): Tensor4D {
  const sequences = pad === 'same' ? sameSequences(x, dy, (kernel - 1) / 2) : validSequences(x, dy, kernel);
  const { row } = sequences;
  const [count] = sequences.dy.shape;
  const length = count + (kernel - 1) * row;
  const columns = Array.from({ length: kernel }, (_, j) => tf.slice(sequences.x, [j, 0], [length, inputs]));
  const wide = tf.concat(columns, 1) as Tensor2D;
  const rows = Array.from({ length: kernel }, (_, i) =>
    product(sequences.dy, tf.slice(wide, [i * row, 0], [count, kernel * inputs])),
  );
  const stacked = tf.reshape(tf.concat(rows, 0), [kernel, outputs, kernel, inputs]);
  return tf.transpose(stacked, [0, 2, 3, 1]) as Tensor4D;
}

/** dy is given the missing rows and columns as zeros. */
function validSequences(x: Tensor4D, dy: Tensor4D, kernel: number): Sequences {
  const [images, height, width, inputs] = x.shape;
  const missing: [number, number] = [0, kernel - 1];
  const padded = tf.pad(dy, [[0, 0], missing, missing, [0, 0]]);
  const count = images * height * width - (kernel - 1) * (width + 1);
  return {
    x: tf.reshape(x, [-1, inputs]),
    dy: tf.slice(tf.reshape(padded, [-1, dy.shape[3]]) as Tensor2D, [0, 0], [count, dy.shape[3]]),
    row: width,
  };
}

/** r rows of zeros before each picture and r columns of zeros before each row, which the row or picture before shares. */
function sameSequences(x: Tensor4D, dy: Tensor4D, radius: number): Sequences {
  const [images, height, width] = x.shape;
  const row = width + radius;
  // Before the first pixel there are only zeros; after the last one shifts go on into a picture of zeros.
  const first = radius * (row + 1);
  const count = images * (height + radius) * row - first;
  return {
    x: spaced(x, radius, 1),
    dy: tf.slice(spaced(dy, radius, 0), [first, 0], [count, dy.shape[3]]),
    row,
  };
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
