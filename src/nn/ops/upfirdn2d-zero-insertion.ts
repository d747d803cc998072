/**
 * upfirdn2d by its definition: zero insertion, padding, depthwise convolution, downsampling.
 */
import type { Tensor4D } from '@tensorflow/tfjs';
import { tf } from '../tensorflow.js';
import { type Axis, type Resampling, scaled } from './axis.js';
import { depthwise, SHORT_TAPS } from './depthwise.js';
import { decimate } from './downsample.js';

/**
 * Filters and resamples both axes. It has no gradient: the caller computes the transpose.
 */
export function resampleByConvolution(
  x: Tensor4D,
  taps: readonly number[],
  { vertical, horizontal, gain }: Resampling,
): Tensor4D {
  const padded = withEdges(withZeros(x, vertical.up, horizontal.up), vertical, horizontal);
  const weights = scaled([...taps].reverse(), gain);
  if (taps.length <= SHORT_TAPS) {
    const plane = weights.flatMap((row) => weights.map((column) => row * column));
    return depthwise(padded, plane, [taps.length, taps.length], { stride: vertical.down });
  }
  // TensorFlow's depthwise strides are equal in both directions: each pass is decimated afterwards.
  const rows = decimate(depthwise(padded, weights, [taps.length, 1]), [vertical.down, 1]);
  return decimate(depthwise(rows, weights, [1, taps.length]), [1, horizontal.down]);
}

/**
 * Inserts `up - 1` zeros after every sample, along both axes. [n, h, w, c] -> [n, h * up, w * up,
 * c]
 */
export function withZeros(x: Tensor4D, upVertical: number, upHorizontal: number): Tensor4D {
  if (upVertical === 1 && upHorizontal === 1) return x;
  const [n, height, width, channels] = x.shape;
  const wide = width * upHorizontal;
  // In memory, a pixel's channels are followed by the next pixel, and a row by the next row.
  const columns = padEnd(tf.reshape(x, [n, height, width, channels]), channels * (upHorizontal - 1));
  const rows = padEnd(
    tf.reshape(columns, [n, height, 1, wide * channels]),
    wide * channels * (upVertical - 1),
  );
  return tf.reshape(rows, [n, height * upVertical, wide, channels]);
}

/** Appends zeros to the last axis. */
function padEnd(x: Tensor4D, zeros: number): Tensor4D {
  return tf.pad(x, [
    [0, 0],
    [0, 0],
    [0, 0],
    [0, zeros],
  ]);
}

/** Pads with zeros, and crops where the padding is negative. */
export function withEdges(x: Tensor4D, vertical: Axis, horizontal: Axis): Tensor4D {
  return crop(pad(x, vertical, horizontal), vertical, horizontal);
}

function pad(x: Tensor4D, vertical: Axis, horizontal: Axis): Tensor4D {
  const zeros = ({ before, after }: Axis): [number, number] => [Math.max(0, before), Math.max(0, after)];
  const edges: [number, number][] = [[0, 0], zeros(vertical), zeros(horizontal), [0, 0]];
  return edges.flat().some((count) => count > 0) ? tf.pad(x, edges) : x;
}

function crop(x: Tensor4D, vertical: Axis, horizontal: Axis): Tensor4D {
  const less = (count: number) => Math.max(0, -count);
  const [top, left] = [less(vertical.before), less(horizontal.before)];
  const [n, height, width, channels] = x.shape;
  const size = [height - top - less(vertical.after), width - left - less(horizontal.after)] as const;
  if (size[0] === height && size[1] === width) return x;
  return tf.slice4d(x, [0, top, left, 0], [n, size[0], size[1], channels]);
}
