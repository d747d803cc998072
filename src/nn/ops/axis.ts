/** The sizes of one axis of a resampling, and of its transpose. */

/** One axis of a resampling; `before` and `after` are padding, counted after upsampling. */
export interface Axis {
  inputs: number;
  up: number;
  down: number;
  before: number;
  after: number;
}

export interface Resampling {
  vertical: Axis;
  horizontal: Axis;
  /** Gain of both axes together. */
  gain: number;
}

/** Number of output samples. */
export function outputsOf({ inputs, up, down, before, after }: Axis, taps: number): number {
  return Math.floor((inputs * up + before + after - taps) / down) + 1;
}

/**
 * The transpose of a resampling is a resampling with the factors exchanged and the taps reversed.
 */
export function transposedAxis(axis: Axis, taps: number): Axis {
  const { inputs, up, down, before } = axis;
  const outputs = outputsOf(axis, taps);
  return {
    inputs: outputs,
    up: down,
    down: up,
    before: taps - 1 - before,
    after: (inputs - 1) * up - outputs * down + 1 + before,
  };
}

/** Taps normalized to sum 1, times the gain of one axis. */
export function scaled(taps: readonly number[], gain: number): number[] {
  const sum = taps.reduce((total, tap) => total + tap, 0);
  return taps.map((tap) => (tap / sum) * Math.sqrt(gain));
}
