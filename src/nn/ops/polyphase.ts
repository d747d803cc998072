/** Resampling one axis after the other, each output from the samples that its taps meet: the form that is fastest on a CPU. */
import type { Tensor4D } from '@tensorflow/tfjs';
import { tf } from '../tensorflow.js';
import { type Axis, outputsOf, type Resampling, scaled } from './axis.js';
import { depthwise } from './depthwise.js';
import { everySample } from './every-sample.js';

/** Filters and resamples both axes. Not differentiable as a whole: its caller knows the transpose. */
export function resampleByPhases(
  x: Tensor4D,
  taps: readonly number[],
  { vertical, horizontal, gain }: Resampling,
): Tensor4D {
  const weights = scaled([...taps].reverse(), gain);
  return alongHeight(alongWidth(x, weights, horizontal), weights, vertical);
}

/** Each row is a picture of one row. */
function alongWidth(x: Tensor4D, weights: readonly number[], axis: Axis): Tensor4D {
  const [n, height, width, c] = x.shape;
  const y = alongRow(tf.reshape(x, [n * height, 1, width, c]), weights, axis);
  return tf.reshape(y, [n, height, y.shape[2], c]);
}

/** Each picture is one row of pixels that have width * c channels. */
function alongHeight(x: Tensor4D, weights: readonly number[], axis: Axis): Tensor4D {
  const [n, height, width, c] = x.shape;
  const y = alongRow(tf.reshape(x, [n, 1, height, width * c]), weights, axis);
  return tf.reshape(y, [n, y.shape[2], width, c]);
}

/** Correlates with `weights`. [m, 1, inputs, c] -> [m, 1, outputs, c] */
function alongRow(x: Tensor4D, weights: readonly number[], axis: Axis): Tensor4D {
  const { up, down, before, after } = axis;
  if (up === 1) return correlate(x, weights, { before, after, stride: down });
  const dense = interleavedPhases(x, weights, axis, outputsOf({ ...axis, down: 1 }, weights.length));
  return everySample(dense, [1, down]);
}

/**
 * Output `up * i + r` meets every `up`-th tap only: each r is a filter of its own on the samples as they are (the polyphase form of
 * Bellanger et al. 1976). The zeros between the samples are never written, and never multiplied.
 */
function interleavedPhases(
  x: Tensor4D,
  weights: readonly number[],
  { inputs, up, before }: Axis,
  outputs: number,
): Tensor4D {
  const [m, , , c] = x.shape;
  const count = Math.ceil(outputs / up);
  const phases = Array.from({ length: up }, (_, r) => {
    const firstTap = (((before - r) % up) + up) % up;
    const own = weights.filter((_, k) => k % up === firstTap);
    const firstSample = (r + firstTap - before) / up;
    return correlate(x, own, {
      before: -firstSample,
      after: firstSample + count + own.length - 1 - inputs,
      stride: 1,
    });
  });
  // What follows a pixel's channels in memory is the next pixel.
  const interleaved = tf.reshape(tf.concat4d(phases, 3), [m, 1, count * up, c]) as Tensor4D;
  return count * up === outputs ? interleaved : tf.slice4d(interleaved, [0, 0, 0, 0], [m, 1, outputs, c]);
}

/** Of a row; `before` and `after` are zeros, negative ones take samples away. */
function correlate(
  x: Tensor4D,
  weights: readonly number[],
  { before, after, stride }: { before: number; after: number; stride: number },
): Tensor4D {
  const [m, , length, c] = x.shape;
  const [lessBefore, lessAfter] = [Math.max(0, -before), Math.max(0, -after)];
  const kept = length - lessBefore - lessAfter;
  if (kept < 1 || weights.length === 0) {
    // No output meets a sample.
    const axis = { inputs: length, up: 1, down: stride, before, after };
    return tf.zeros([m, 1, outputsOf(axis, weights.length), c]);
  }
  const row = kept === length ? x : tf.slice4d(x, [0, 0, lessBefore, 0], [m, 1, kept, c]);
  const padding = [0, 0, Math.max(0, before), Math.max(0, after)] as const;
  return depthwise(row, weights, [1, weights.length], { stride, padding });
}
