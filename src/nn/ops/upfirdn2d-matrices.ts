/**
 * upfirdn2d as a product with a banded matrix along each axis: the form for the matrix units of a
 * GPU.
 */
import type { Tensor4D } from '@tensorflow/tfjs';
import { type Axis, outputsOf, type Resampling, scaled } from './axis.js';
import { alongHeight, alongWidth, type Band } from './banded.js';

/**
 * Filters and resamples both axes. It has no gradient: the caller computes the transpose.
 */
export function resampleByMatrices(
  x: Tensor4D,
  taps: readonly number[],
  { vertical, horizontal, gain }: Resampling,
): Tensor4D {
  const weights = scaled([...taps].reverse(), gain);
  return alongHeight(alongWidth(x, band(horizontal, weights)), band(vertical, weights));
}

/** The matrix of upsampling, padding, filtering and downsampling of one axis. */
function band(axis: Axis, weights: readonly number[]): Band {
  const { inputs, up, down, before } = axis;
  const outputs = outputsOf(axis, weights.length);
  const values = new Float32Array(outputs * inputs);
  for (let output = 0; output < outputs; output++)
    for (let input = 0; input < inputs; input++)
      values[output * inputs + input] = weights[input * up + before - output * down] ?? 0;
  return { outputs, inputs, values };
}
