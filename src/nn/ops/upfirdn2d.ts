/**
 * upfirdn2d: upsampling, FIR filter and downsampling, and its gradient. The number of taps and the
 * device determine which form computes it.
 */
import type { Tensor4D } from '@tensorflow/tfjs';
import { filterForm } from './device-forms.js';
import { type Axis, type Resampling, scaled, transposedAxis } from './axis.js';
import { resampleByConvolution } from './upfirdn2d-zero-insertion.js';
import { customGradient } from './custom-gradient.js';
import { depthwise, SHORT_TAPS } from './depthwise.js';
import { resampleByMatrices } from './upfirdn2d-matrices.js';
import { resampleByPhases } from './upfirdn2d-polyphase.js';
import { resampleBySlices } from './upfirdn2d-slices.js';

export interface FilterOptions {
  /** Upsampling factor: `up - 1` zeros are inserted after every sample. */
  up?: number;
  /** Downsampling factor: every `down`-th sample is kept. */
  down?: number;
  /** Zero padding before and after, counted after upsampling; negative values crop. */
  padding?: readonly [number, number];
  /** Gain of the whole two-dimensional filter. */
  gain?: number;
}

/**
 * Upsample, pad, convolve with the separable filter `taps` x `taps` (normalized to sum 1), keep
 * every `down`-th sample. [n, h, w, c]
 */
export function filter2d(x: Tensor4D, taps: readonly number[], options: FilterOptions = {}): Tensor4D {
  const { up = 1, down = 1, padding = [0, 0], gain = 1 } = options;
  const [, height, width] = x.shape;
  const [before, after] = padding;
  const axis = (inputs: number): Axis => ({ inputs, up, down, before, after });
  return resample(x, taps, { vertical: axis(height), horizontal: axis(width), gain });
}

/**
 * Upsamples, by default to twice the size. The padding keeps the image centered (an even filter
 * puts samples between the old ones).
 */
export function upsample2d(
  x: Tensor4D,
  taps: readonly number[],
  { up = 2, gain = 1 }: Pick<FilterOptions, 'up' | 'gain'> = {},
): Tensor4D {
  const padding = [Math.floor((taps.length + up - 1) / 2), Math.floor((taps.length - up) / 2)] as const;
  return filter2d(x, taps, { up, padding, gain: gain * up * up });
}

/** Downsamples, by default to half the size. */
export function downsample2d(
  x: Tensor4D,
  taps: readonly number[],
  { down = 2, gain = 1 }: Pick<FilterOptions, 'down' | 'gain'> = {},
): Tensor4D {
  const padding = [Math.floor((taps.length - down + 1) / 2), Math.floor((taps.length - down) / 2)] as const;
  return filter2d(x, taps, { down, padding, gain });
}

const RESAMPLE = {
  phases: resampleByPhases,
  convolution: resampleByConvolution,
  matrices: resampleByMatrices,
  slices: resampleBySlices,
};

function resample(x: Tensor4D, taps: readonly number[], resampling: Resampling): Tensor4D {
  const { vertical, horizontal, gain } = resampling;
  return customGradient(
    { x },
    () => {
      const form = filterForm();
      const isDepthwise = form === 'phases' || form === 'convolution';
      if (isDepthwise && isShort(vertical, taps) && isShort(horizontal, taps))
        return inOnePass(x, taps, resampling);
      return RESAMPLE[form](x, taps, resampling);
    },
    (dy) => ({
      x: () =>
        resample(dy as Tensor4D, [...taps].reverse(), {
          vertical: transposedAxis(vertical, taps.length),
          horizontal: transposedAxis(horizontal, taps.length),
          gain,
        }),
    }),
  ) as Tensor4D;
}

/**
 * With few taps, one two-dimensional pass is faster than two passes, also on a CPU (measured:
 * docs/decisions/compiled-step.md).
 */
function isShort({ up, before, after }: Axis, taps: readonly number[]): boolean {
  return up === 1 && taps.length <= SHORT_TAPS && before >= 0 && after >= 0;
}

/** Pad, correlate each channel with the reversed taps, keep every `down`-th sample. */
function inOnePass(
  x: Tensor4D,
  taps: readonly number[],
  { vertical, horizontal, gain }: Resampling,
): Tensor4D {
  const weights = scaled([...taps].reverse(), gain);
  const plane = weights.flatMap((row) => weights.map((column) => row * column));
  const padding = [vertical.before, vertical.after, horizontal.before, horizontal.after] as const;
  return depthwise(x, plane, [taps.length, taps.length], { stride: vertical.down, padding });
}

/**
 * Depthwise convolution with a filter that is not separable, then downsampling by `down`.
 * [n, h, w, c] -> [n, h', w', c], h' = floor((h - k) / down) + 1
 *
 * @param plane [k, k], row by row; it is not normalized, so its sum is its gain
 */
export function filterPlane(x: Tensor4D, plane: readonly number[], { down }: { down: number }): Tensor4D {
  const size = Math.sqrt(plane.length);
  const flipped = [...plane].reverse();
  return customGradient(
    { x },
    () => depthwise(x, flipped, [size, size], { stride: down }),
    (dy) => ({
      x: () => {
        // Zero insertion and full padding, then the reversed filter.
        const axis = (inputs: number, outputs: number): Axis => {
          const [before, after] = [size - 1, inputs - outputs * down];
          return { inputs: outputs, up: down, down: 1, before, after };
        };
        const [, height, width] = dy.shape as [number, number, number, number];
        const vertical = axis(x.shape[1], height);
        const horizontal = axis(x.shape[2], width);
        const sparse = resample(dy as Tensor4D, [1], { vertical, horizontal, gain: 1 });
        return filterPlane(sparse, flipped, { down: 1 });
      },
    }),
  ) as Tensor4D;
}
