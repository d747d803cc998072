/** The gradient of a 3x3 filter as a few large matrix products over shifted views of all pixels. */
import type { Tensor, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs';
import { tf } from '../tensorflow.js';

/**
 * Pictures as sequences of pixels, in which a shift in both directions is a shift along a sequence.
 */
interface Sequences {
  /**
   * One for each row within a stride; `stride` neighbouring pixels make one: [pixels, stride * in]
   */
  phases: Tensor2D[];
  /** [count, out]: zero where a shift would leave its row or picture. */
  dy: Tensor2D;
  /** Pixels from a row to the next. */
  row: number;
}

/** Of the convolution, one and the same in both directions. */
export interface ProductsGeometry {
  /** [k, k, in, out] */
  wShape: readonly [number, number, number, number];
  strides: number;
  /** 'same' at a stride of 1 only. */
  pad: 'same' | 'valid';
}

/**
 * dw[i, j, a, b] = sum over images and pixels of x[stride * row + i, stride * column + j, a] *
 * dy[row, column, b]: what `Conv2DBackpropFilter` computes with padding "valid"; with "same" x
 * stands r = (k - 1) / 2 pixels further, with zeros outside of it.
 *
 * The k shifts along a row stand side by side, so that k products do for k * k.
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
  const wide = sequences.phases.map((phase) => sideBySide(phase, length, kernel * inputs));
  const rows = Array.from({ length: kernel }, (_, i) => {
    const shifted = wide[i % stride] as Tensor2D;
    const first = Math.floor(i / stride) * row;
    return product(sequences.dy, tf.slice(shifted, [first, 0], [count, kernel * inputs]));
  });
  const stacked = tf.reshape(tf.concat(rows, 0), [kernel, outputs, kernel, inputs]);
  return tf.transpose(stacked, [0, 2, 3, 1]) as Tensor4D;
}

/**
 * Pixels of a sequence by which a filter reaches beyond the one it starts at, in either direction.
 */
function reach(kernel: number, stride: number): number {
  return Math.ceil(kernel / stride) - 1;
}

/** Every pixel with as many of those after it as make up `width`. [pixels, c] -> [length, width] */
function sideBySide(sequence: Tensor2D, length: number, width: number): Tensor2D {
  const [, channels] = sequence.shape;
  const columns = Array.from({ length: Math.ceil(width / channels) }, (_, j) =>
    tf.slice(sequence, [j, 0], [length, Math.min(channels, width - j * channels)]),
  );
  return tf.concat(columns, 1) as Tensor2D;
}

/**
 * Both padded to the rows and columns that a filter reaches from dy: dy with zeros, x with zeros
 * where it ends sooner.
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
  const spread = tf.pad(dy, [
    [0, 0],
    [0, more],
    [0, more],
    [0, 0],
  ]);
  const whole = tf.pad(x, [
    [0, 0],
    [0, stride * rows - height],
    [0, stride * row - width],
    [0, 0],
  ]);
  const byPhase = tf.reshape(whole, [images * rows, stride, row * stride * inputs]);
  const phases = Array.from({ length: stride }, (_, phase) => {
    const every = tf.slice(byPhase, [0, phase, 0], [images * rows, 1, row * stride * inputs]);
    return tf.reshape(every, [-1, stride * inputs]) as Tensor2D;
  });
  return {
    phases,
    dy: tf.slice(tf.reshape(spread, [-1, outputs]) as Tensor2D, [0, 0], [count, outputs]),
    row,
  };
}

/**
 * r rows of zeros before each picture and r columns of zeros before each row, which the row or
 * picture before shares.
 */
function sameSequences(x: Tensor4D, dy: Tensor4D, radius: number): Sequences {
  const [images, height, width] = x.shape;
  const row = width + radius;
  // Before the first pixel there are only zeros; after the last one shifts go on into a picture of
  // zeros.
  const first = radius * (row + 1);
  const count = images * (height + radius) * row - first;
  return {
    phases: [spaced(x, radius, 1)],
    dy: tf.slice(spaced(dy, radius, 0), [first, 0], [count, dy.shape[3]]),
    row,
  };
}

/**
 * [n, h, w, c] -> [pixels, c], zeros before each picture and each row, and `more` pictures of
 * zeros.
 */
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
