/**
 * upfirdn2d as a weighted sum of shifted images: the form that XLA fuses into one kernel per axis.
 */
import type { Tensor4D } from '@tensorflow/tfjs';
import { tf } from '../tensorflow.js';
import { outputsOf, type Resampling, scaled } from './axis.js';
import { withEdges, withZeros } from './upfirdn2d-zero-insertion.js';

/**
 * Filters and resamples both axes. It has no gradient: the caller computes the transpose.
 */
export function resampleBySlices(
  x: Tensor4D,
  taps: readonly number[],
  { vertical, horizontal, gain }: Resampling,
): Tensor4D {
  const weights = scaled([...taps].reverse(), gain);
  const sparse = withEdges(withZeros(x, vertical.up, horizontal.up), vertical, horizontal);
  const columns = sumOfSlices(sparse, weights, {
    axis: 2,
    step: horizontal.down,
    outputs: outputsOf(horizontal, taps.length),
  });
  return sumOfSlices(columns, weights, {
    axis: 1,
    step: vertical.down,
    outputs: outputsOf(vertical, taps.length),
  });
}

/** y[i] = sum over k of weights[k] * x[i * step + k] along an axis. */
function sumOfSlices(
  x: Tensor4D,
  weights: readonly number[],
  { axis, step, outputs }: { axis: 1 | 2; step: number; outputs: number },
): Tensor4D {
  const strides = [1, 1, 1, 1];
  strides[axis] = step;
  const terms = weights.map((weight, k) => {
    const [begin, end] = [[0, 0, 0, 0], [...x.shape]];
    begin[axis] = k;
    end[axis] = k + (outputs - 1) * step + 1;
    const shifted =
      step === 1
        ? tf.slice4d(x, begin as [number, number, number, number], sizes(begin, end))
        : tf.stridedSlice(x, begin, end, strides);
    return tf.mul(shifted, weight) as Tensor4D;
  });
  return terms.reduce((total, term) => tf.add(total, term) as Tensor4D);
}

function sizes(begin: number[], end: number[]): [number, number, number, number] {
  return end.map((last, i) => last - (begin[i] as number)) as [number, number, number, number];
}
