/** Resampling one axis after the other, each output from the samples that its taps meet: the form that is fastest on a CPU. */
import type { Tensor4D } from '@tensorflow/tfjs';
import { tf } from '../tensorflow.js';
import { type Axis, outputsOf, type Resampling, scaled } from './axis.js';
import { correlate } from './correlate.js';
import { everySample } from './every-sample.js';

export type Direction = 'vertical' | 'horizontal';

/** Filters and resamples both axes. Not differentiable as a whole: its caller knows the transpose. */
export function resampleByPhases(
  x: Tensor4D,
  taps: readonly number[],
  { vertical, horizontal, gain }: Resampling,
): Tensor4D {
  const weights = scaled([...taps].reverse(), gain);
  const wide = resampleAxis(x, { weights, axis: horizontal }, 'horizontal');
  return resampleAxis(wide, { weights, axis: vertical }, 'vertical');
}

/** A correlation with `weights` of an axis whose samples have zeros between them. */
export interface AxisFilter {
  weights: readonly number[];
  axis: Axis;
}

/** The zeros are neither written nor multiplied. Differentiable any number of times where up is a multiple of down. */
export function resampleAxis(x: Tensor4D, filter: AxisFilter, direction: Direction): Tensor4D {
  const { up, down } = filter.axis;
  if (commonDivisor(up, down) > 1)
    return resampleAxis(x, phaseOf(filter, { first: 0, step: 1, count: outputsOfFilter(filter) }), direction);
  const dense = { ...filter, axis: { ...filter.axis, down: 1 } };
  const y = up === 1 ? correlateAxis(x, dense, direction) : interleavedPhases(x, dense, direction);
  return everySample(y, direction === 'vertical' ? [down, 1] : [1, down]);
}

/**
 * The filter that gives outputs first, first + step, ... of `filter`, `count` of them. Of an axis with zeros between its samples those
 * meet some taps only: what is left is a filter on an axis with fewer zeros, or none (the polyphase form of Bellanger et al. 1976).
 */
export function phaseOf(
  { weights, axis }: AxisFilter,
  { first, step, count }: { first: number; step: number; count: number },
): AxisFilter {
  const stride = axis.down * step;
  const common = commonDivisor(axis.up, stride);
  const start = axis.before - axis.down * first;
  const firstTap = ((start % common) + common) % common;
  const own = weights.filter((_, k) => k % common === firstTap);
  const [up, down, before] = [axis.up / common, stride / common, (start - firstTap) / common];
  const after = (count - 1) * down + own.length - axis.inputs * up - before;
  return { weights: own, axis: { inputs: axis.inputs, up, down, before, after } };
}

/** Of a filter that keeps every output: each of its `up` phases by itself, then side by side. */
function interleavedPhases(x: Tensor4D, filter: AxisFilter, direction: Direction): Tensor4D {
  const { up } = filter.axis;
  const outputs = outputsOfFilter(filter);
  const count = Math.ceil(outputs / up);
  const phases = Array.from({ length: up }, (_, first) =>
    correlateAxis(x, phaseOf(filter, { first, step: up, count }), direction),
  );
  const [n, height, width, c] = (phases[0] as Tensor4D).shape;
  // What follows a pixel's channels in memory is the next pixel, and what follows a row the next row.
  if (direction === 'horizontal') {
    const wide = tf.reshape(tf.concat4d(phases, 3), [n, height, width * up, c]) as Tensor4D;
    return width * up === outputs ? wide : tf.slice4d(wide, [0, 0, 0, 0], [n, height, outputs, c]);
  }
  const rows = phases.map((phase) => tf.reshape(phase, [n, height, 1, width * c]) as Tensor4D);
  const high = tf.reshape(tf.concat4d(rows, 2), [n, height * up, width, c]) as Tensor4D;
  return height * up === outputs ? high : tf.slice4d(high, [0, 0, 0, 0], [n, outputs, width, c]);
}

/** Of a filter without zeros between samples that keeps every output. */
function correlateAxis(x: Tensor4D, { weights, axis }: AxisFilter, direction: Direction): Tensor4D {
  return direction === 'vertical'
    ? correlate(x, { weights, height: weights.length, width: 1 }, { vertical: axis })
    : correlate(x, { weights, height: 1, width: weights.length }, { horizontal: axis });
}

function outputsOfFilter({ weights, axis }: AxisFilter): number {
  return outputsOf(axis, weights.length);
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}
