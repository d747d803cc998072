/**
 * A nonlinearity at a higher sampling rate than the samples before and after it. Karras et al.
 * 2021, section 3.1.
 */
import type { Tensor4D } from '@tensorflow/tfjs';
import { filterForm } from './device-forms.js';
import { tf } from '../tensorflow.js';
import { outputsOf, scaled } from './axis.js';
import { alongColumns, alongRows, correlate } from './correlate.js';
import { filter2d, filterPlane } from './upfirdn2d.js';
import { type AxisFilter, phaseFilter, resampleAxis } from './upfirdn2d-polyphase.js';

export interface Widening {
  factor: number;
  /** Of the separable filter; they are brought to a sum of 1, and the gain keeps the values. */
  taps: readonly number[];
  /** Zeros before and after, counted after upsampling; negative crops. */
  padding: readonly [before: number, after: number];
}

export interface Narrowing {
  factor: number;
  /**
   * Of a separable filter, [k], brought to a sum of 1; where it `isPlane`, of a square, [k * k] row
   * by row, as they are.
   */
  taps: readonly number[];
  isPlane: boolean;
}

/**
 * Widened, activated value by value, narrowed. x [n, h, w, c]. Differentiable as often as the
 * activation is.
 */
export function filteredActivation(
  x: Tensor4D,
  up: Widening,
  activate: (x: Tensor4D) => Tensor4D,
  down: Narrowing,
): Tensor4D {
  const isInPhases = filterForm() === 'phases' && up.factor % down.factor === 0;
  return isInPhases ? byPhases(x, up, activate, down) : inOrder(x, up, activate, down);
}

function inOrder(x: Tensor4D, up: Widening, activate: (x: Tensor4D) => Tensor4D, down: Narrowing): Tensor4D {
  const { factor, taps, padding } = up;
  const active = activate(filter2d(x, taps, { up: factor, padding, gain: factor ** 2 }));
  return down.isPlane
    ? filterPlane(active, down.taps, { down: down.factor })
    : filter2d(active, down.taps, { down: down.factor });
}

/**
 * An output of the narrowing by s is a sum over the s phases of what it narrows: samples 0, s, 2s,
 * ..., then 1, s + 1, ... Each phase is widened, activated and narrowed by itself with its share of
 * the taps. They are never put side by side: the signal of the higher rate, the largest of a
 * network, is not written as a whole, and every correlation keeps all that it computes.
 */
function byPhases(x: Tensor4D, up: Widening, activate: (x: Tensor4D) => Tensor4D, down: Narrowing): Tensor4D {
  const [, height, width] = x.shape;
  const side = down.isPlane ? Math.sqrt(down.taps.length) : down.taps.length;
  const [vertical, horizontal] = [phasesOf(height, up, down, side), phasesOf(width, up, down, side)];
  const columns = horizontal.map((filter) => resampleAxis(x, filter, 'horizontal'));
  const narrow = down.isPlane ? narrowedByPlane(down, side) : narrowedByAxes(down);
  return sum(
    vertical.map((filter, row) =>
      narrow(
        columns.map((phase) => activate(resampleAxis(phase, filter, 'vertical'))),
        row,
      ),
    ),
  );
}

/**
 * The widening of an axis to each phase, as many samples as the narrowing with a filter of `side`
 * taps meets.
 */
function phasesOf(inputs: number, up: Widening, down: Narrowing, side: number): AxisFilter[] {
  const weights = scaled([...up.taps].reverse(), up.factor ** 2);
  const [before, after] = up.padding;
  const axis = { inputs, up: up.factor, down: 1, before, after };
  const narrowed = { inputs: outputsOf(axis, weights.length), up: 1, down: down.factor, before: 0, after: 0 };
  const outputs = outputsOf(narrowed, side);
  return Array.from({ length: Math.min(down.factor, side) }, (_, first) => {
    const taps = Math.ceil((side - first) / down.factor);
    return phaseFilter({ weights, axis }, { first, step: down.factor, count: outputs + taps - 1 });
  });
}

/** What a row of phases adds to the outputs. */
type NarrowRow = (phases: readonly Tensor4D[], row: number) => Tensor4D;

function narrowedByAxes({ taps, factor }: Narrowing): NarrowRow {
  const weights = scaled([...taps].reverse(), 1);
  const share = (phase: number) => weights.filter((_, k) => k % factor === phase);
  return (phases, row) => {
    const narrow = phases.map((y, column) => correlate(y, alongRows(share(column))));
    return correlate(sum(narrow), alongColumns(share(row)));
  };
}

function narrowedByPlane({ taps, factor }: Narrowing, side: number): NarrowRow {
  const weights = [...taps].reverse();
  const isOf = (index: number, phase: number) => index % factor === phase;
  return (phases, row) =>
    sum(
      phases.map((y, column) => {
        const share = weights.filter((_, k) => isOf(Math.floor(k / side), row) && isOf(k % side, column));
        const height = Math.ceil((side - row) / factor);
        return correlate(y, { weights: share, height, width: share.length / height });
      }),
    );
}

function sum(terms: readonly Tensor4D[]): Tensor4D {
  return terms.reduce((total, term) => tf.add(total, term) as Tensor4D);
}
