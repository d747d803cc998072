/**
 * A nonlinearity at a higher sampling rate than its input and output: upsampling, activation,
 * downsampling. Karras et al. 2021, section 3.1.
 */
import type { Tensor4D } from '@tensorflow/tfjs';
import { filterForm } from './device-forms.js';
import { tf } from '../tensorflow.js';
import { outputsOf, scaled } from './axis.js';
import { alongColumns, alongRows, correlate } from './correlate.js';
import { filter2d, filterPlane } from './upfirdn2d.js';
import { type AxisFilter, phaseFilter, resampleAxis } from './upfirdn2d-polyphase.js';

export interface Upsampling {
  factor: number;
  /** Taps of the separable filter. They are normalized to sum 1, and the gain is factor^2. */
  taps: readonly number[];
  /** Zero padding, counted after upsampling; negative values crop. */
  padding: readonly [before: number, after: number];
}

export interface Downsampling {
  factor: number;
  /**
   * Taps of a separable filter, [k], which are normalized to sum 1; if `isPlane`, of a square
   * filter, [k * k] row by row, which are used unchanged.
   */
  taps: readonly number[];
  isPlane: boolean;
}

/**
 * Upsamples, applies the elementwise activation, downsamples. x [n, h, w, c]. Differentiable as
 * often as the activation.
 */
export function filteredActivation(
  x: Tensor4D,
  up: Upsampling,
  activate: (x: Tensor4D) => Tensor4D,
  down: Downsampling,
): Tensor4D {
  const isPolyphase = filterForm() === 'phases' && up.factor % down.factor === 0;
  return isPolyphase ? byPhases(x, up, activate, down) : atFullRate(x, up, activate, down);
}

function atFullRate(
  x: Tensor4D,
  up: Upsampling,
  activate: (x: Tensor4D) => Tensor4D,
  down: Downsampling,
): Tensor4D {
  const { factor, taps, padding } = up;
  const active = activate(filter2d(x, taps, { up: factor, padding, gain: factor ** 2 }));
  return down.isPlane
    ? filterPlane(active, down.taps, { down: down.factor })
    : filter2d(active, down.taps, { down: down.factor });
}

/**
 * Downsampling by s is a sum over the s phases of its input: samples 0, s, 2s, ..., then 1, s + 1,
 * ... Each phase is upsampled, activated and downsampled separately, with its own taps. The phases
 * are never interleaved, so the signal of the higher rate, the largest tensor of a network, is not
 * written, and no correlation computes samples that are dropped.
 */
function byPhases(
  x: Tensor4D,
  up: Upsampling,
  activate: (x: Tensor4D) => Tensor4D,
  down: Downsampling,
): Tensor4D {
  const [, height, width] = x.shape;
  const side = down.isPlane ? Math.sqrt(down.taps.length) : down.taps.length;
  const [vertical, horizontal] = [phasesOf(height, up, down, side), phasesOf(width, up, down, side)];
  const columns = horizontal.map((filter) => resampleAxis(x, filter, 'horizontal'));
  const downsampleRow = down.isPlane ? planeDownsampler(down, side) : separableDownsampler(down);
  return sum(
    vertical.map((filter, row) =>
      downsampleRow(
        columns.map((phase) => activate(resampleAxis(phase, filter, 'vertical'))),
        row,
      ),
    ),
  );
}

/**
 * The upsampling filter of each phase of an axis, with the number of samples that downsampling with
 * `side` taps needs.
 */
function phasesOf(inputs: number, up: Upsampling, down: Downsampling, side: number): AxisFilter[] {
  const weights = scaled([...up.taps].reverse(), up.factor ** 2);
  const [before, after] = up.padding;
  const axis = { inputs, up: up.factor, down: 1, before, after };
  const fullRate = { inputs: outputsOf(axis, weights.length), up: 1, down: down.factor, before: 0, after: 0 };
  const outputs = outputsOf(fullRate, side);
  return Array.from({ length: Math.min(down.factor, side) }, (_, first) => {
    const taps = Math.ceil((side - first) / down.factor);
    return phaseFilter({ weights, axis }, { first, step: down.factor, count: outputs + taps - 1 });
  });
}

/** Downsamples one row of phases; the output is the sum over all rows. */
type RowDownsampler = (phases: readonly Tensor4D[], row: number) => Tensor4D;

function separableDownsampler({ taps, factor }: Downsampling): RowDownsampler {
  const weights = scaled([...taps].reverse(), 1);
  const phaseTaps = (phase: number) => weights.filter((_, k) => k % factor === phase);
  return (phases, row) => {
    const filtered = phases.map((y, column) => correlate(y, alongRows(phaseTaps(column))));
    return correlate(sum(filtered), alongColumns(phaseTaps(row)));
  };
}

function planeDownsampler({ taps, factor }: Downsampling, side: number): RowDownsampler {
  const weights = [...taps].reverse();
  const isInPhase = (index: number, phase: number) => index % factor === phase;
  return (phases, row) =>
    sum(
      phases.map((y, column) => {
        const own = weights.filter(
          (_, k) => isInPhase(Math.floor(k / side), row) && isInPhase(k % side, column),
        );
        const height = Math.ceil((side - row) / factor);
        return correlate(y, { weights: own, height, width: own.length / height });
      }),
    );
}

function sum(terms: readonly Tensor4D[]): Tensor4D {
  return terms.reduce((total, term) => tf.add(total, term) as Tensor4D);
}
