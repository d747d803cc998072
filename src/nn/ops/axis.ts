/** One axis of a resampling: its sizes, and those of its transpose. */

/** How one axis is resampled; `before` and `after` count zeros after upsampling. */
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
  /** Of both axes together. */
  gain: number;
}

/** Samples that come out. */
export function outputsOf({ inputs, up, down, before, after }: Axis, taps: number): number {
  return Math.floor((inputs * up + before + after - taps) / down) + 1;
}

/**
 * Up and down change places: the transpose of a resampling is a resampling, with its taps reversed.
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

/** Taps of sum 1, times the share of the gain that falls to one axis. */
export function scaled(taps: readonly number[], gain: number): number[] {
  const sum = taps.reduce((total, tap) => total + tap, 0);
  return taps.map((tap) => (tap / sum) * Math.sqrt(gain));
}
