/**
 * upfirdn2d with polyphase filters, one axis after the other and without zero insertion: the
 * fastest form on a CPU.
 */
import type { Tensor4D } from '@tensorflow/tfjs';
import { tf } from '../tensorflow.js';
import { type Axis, outputsOf, type Resampling, scaled } from './axis.js';
import { alongColumns, alongRows, correlate } from './correlate.js';
import { decimate } from './downsample.js';

type Direction = 'vertical' | 'horizontal';

/** A correlation of an upsampled axis with `weights`. */
export interface AxisFilter {
  weights: readonly number[];
  axis: Axis;
}

/**
 * Filters and resamples both axes. It has no gradient: the caller computes the transpose.
 */
export function resampleByPhases(
  x: Tensor4D,
  taps: readonly number[],
  { vertical, horizontal, gain }: Resampling,
): Tensor4D {
  const weights = scaled([...taps].reverse(), gain);
  const filtered = (y: Tensor4D, axis: Axis, direction: Direction) =>
    resampleAxis(y, { weights, axis: { ...axis, down: 1 } }, direction);
  const dense = filtered(filtered(x, horizontal, 'horizontal'), vertical, 'vertical');
  // Depthwise convolutions have equal strides in both directions. Networks downsample with long
  // filters only after an activation, which `filtered-activation.ts` computes in phases.
  return decimate(dense, [vertical.down, horizontal.down]);
}

/** Every output of the filter. Differentiable any number of times. */
export function resampleAxis(x: Tensor4D, filter: AxisFilter, direction: Direction): Tensor4D {
  const { up } = filter.axis;
  if (up === 1) return correlateAxis(x, filter, direction);
  const outputs = outputsOf(filter.axis, filter.weights.length);
  const count = Math.ceil(outputs / up);
  const phases = Array.from({ length: up }, (_, first) =>
    correlateAxis(x, phaseFilter(filter, { first, step: up, count }), direction),
  );
  return interleaved(phases, outputs, direction);
}

/**
 * The filter that computes `count` outputs first, first + step, ... of `filter`, for a step that
 * divides the upsampling factor. These outputs use only some of the taps, since the other taps
 * multiply inserted zeros. The result is a filter with a smaller upsampling factor (polyphase form,
 * Bellanger et al. 1976).
 */
export function phaseFilter(
  { weights, axis: { inputs, up, before } }: AxisFilter,
  { first, step, count }: { first: number; step: number; count: number },
): AxisFilter {
  const start = before - first;
  const firstTap = ((start % step) + step) % step;
  const own = weights.filter((_, k) => k % step === firstTap);
  const [ownUp, ownBefore] = [up / step, (start - firstTap) / step];
  const after = count - 1 + own.length - inputs * ownUp - ownBefore;
  return { weights: own, axis: { inputs, up: ownUp, down: 1, before: ownBefore, after } };
}

/** Interleaves phases: the first sample of each, then the second of each; `outputs` in total. */
function interleaved(phases: readonly Tensor4D[], outputs: number, direction: Direction): Tensor4D {
  const [n, height, width, c] = (phases[0] as Tensor4D).shape;
  // In memory, a pixel's channels are followed by the next pixel, and a row by the next row.
  if (direction === 'horizontal') {
    const length = width * phases.length;
    const wide = tf.reshape(tf.concat4d([...phases], 3), [n, height, length, c]) as Tensor4D;
    return length === outputs ? wide : tf.slice4d(wide, [0, 0, 0, 0], [n, height, outputs, c]);
  }
  const length = height * phases.length;
  const rows = phases.map((phase) => tf.reshape(phase, [n, height, 1, width * c]) as Tensor4D);
  const high = tf.reshape(tf.concat4d(rows, 2), [n, length, width, c]) as Tensor4D;
  return length === outputs ? high : tf.slice4d(high, [0, 0, 0, 0], [n, outputs, width, c]);
}

/** Applies a filter with upsampling factor 1. */
function correlateAxis(x: Tensor4D, { weights, axis }: AxisFilter, direction: Direction): Tensor4D {
  return direction === 'vertical'
    ? correlate(x, alongColumns(weights), { vertical: axis })
    : correlate(x, alongRows(weights), { horizontal: axis });
}
