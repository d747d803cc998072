/** The gradient of a 3x3 filter as a few large matrix products over shifted views of all pixels. */
import type { Tensor, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs';
import { tf } from '../tensorflow.js';

/**
 * Images as one sequence of pixels: a shift of rows and columns is a shift along the sequence.
 */
interface Sequences {
  /**
   * One per row within a stride, with `stride` adjacent pixels in each element: [pixels, stride *
   * in].
   */
  phases: Tensor2D[];
  /** [count, out]: zero where a shift would leave its row or image. */
  dy: Tensor2D;
  /** Pixels from one row to the next. */
  row: number;
}

/** The convolution, which is the same in both directions. */
export interface ProductsGeometry {
  /** [k, k, in, out] */
  wShape: readonly [number, number, number, number];
  strides: number;
  /** `same` only with stride 1. */
  pad: 'same' | 'valid';
}

/**
 * dw[i, j, a, b] = sum over images and pixels of x[stride * row + i, stride * column + j, a] *
 * dy[row, column, b], as `Conv2DBackpropFilter` with padding "valid". With padding "same", x is
 * shifted by (k - 1) / 2 pixels and zero outside of the image.
 *
 * The k shifts along a row are concatenated, so that k products are enough, not k * k.
 *
 * x [n, h, w, in], dy [n, h', w', out] -> [k, k, in, out]
 */
export function shiftedProducts(
  x: Tensor4D,
  dy: Tensor4D,
  { wShape: [kernel, , inputs, outputs], strides: stride, pad }: ProductsGeometry,
): Tensor4D {
  const sequences =
    pad === 'same' ? sameSequences(x, dy, (kernel - 1) / 2) : validSequences(x, dy, { kernel, stride });
  const { row } = sequences;
  const [count] = sequences.dy.shape;
  const length = count + reach(kernel, stride) * row;
  const wide = sequences.phases.map((phase) => windows(phase, length, kernel * inputs));
  const rows = Array.from({ length: kernel }, (_, i) => {
    const shifted = wide[i % stride] as Tensor2D;
    const first = Math.floor(i / stride) * row;
    return product(sequences.dy, tf.slice(shifted, [first, 0], [count, kernel * inputs]));
  });
  const stacked = tf.reshape(tf.concat(rows, 0), [kernel, outputs, kernel, inputs]);
  return tf.transpose(stacked, [0, 2, 3, 1]) as Tensor4D;
}

/**
 * Number of elements of a sequence that a filter covers beyond its first one, in either direction.
 */
function reach(kernel: number, stride: number): number {
  return Math.ceil(kernel / stride) - 1;
}

/** Each pixel with the pixels after it, `width` values in total. [pixels, c] -> [length, width] */
function windows(sequence: Tensor2D, length: number, width: number): Tensor2D {
  const [, channels] = sequence.shape;
  const columns = Array.from({ length: Math.ceil(width / channels) }, (_, j) =>
    tf.slice(sequence, [j, 0], [length, Math.min(channels, width - j * channels)]),
  );
  return tf.concat(columns, 1) as Tensor2D;
}

/**
 * Pads dy and x with zeros to the rows and columns that a filter covers from each pixel of dy.
 */
function validSequences(
  x: Tensor4D,
  dy: Tensor4D,
  { kernel, stride }: { kernel: number; stride: number },
): Sequences {
  const [images, height, width, inputs] = x.shape;
  const [, dyHeight, dyWidth, outputs] = dy.shape;
  const more = reach(kernel, stride);
  const [rows, row] = [dyHeight + more, dyWidth + more];
  const count = images * rows * row - more * (row + 1);
  const paddedDy = tf.pad(dy, [
    [0, 0],
    [0, more],
    [0, more],
    [0, 0],
  ]);
  const paddedX = tf.pad(x, [
    [0, 0],
    [0, stride * rows - height],
    [0, stride * row - width],
    [0, 0],
  ]);
  const byPhase = tf.reshape(paddedX, [images * rows, stride, row * stride * inputs]);
  const phases = Array.from({ length: stride }, (_, phase) => {
    const every = tf.slice(byPhase, [0, phase, 0], [images * rows, 1, row * stride * inputs]);
    return tf.reshape(every, [-1, stride * inputs]) as Tensor2D;
  });
  return {
    phases,
    dy: tf.slice(tf.reshape(paddedDy, [-1, outputs]) as Tensor2D, [0, 0], [count, outputs]),
    row,
  };
}

/**
 * Puts r rows of zeros before each image and r columns of zeros before each row. They also pad the
 * end of the previous image or row.
 */
function sameSequences(x: Tensor4D, dy: Tensor4D, radius: number): Sequences {
  const [images, height, width] = x.shape;
  const row = width + radius;
  // Skips the zeros before the first pixel. Shifts beyond the last pixel read an image of zeros.
  const first = radius * (row + 1);
  const count = images * (height + radius) * row - first;
  return {
    phases: [withZerosBefore(x, radius, 1)],
    dy: tf.slice(withZerosBefore(dy, radius, 0), [first, 0], [count, dy.shape[3]]),
    row,
  };
}

/**
 * [n, h, w, c] -> [pixels, c], with zeros before each image and each row, and `more` images of
 * zeros at the end.
 */
function withZerosBefore(x: Tensor4D, radius: number, more: number): Tensor2D {
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
