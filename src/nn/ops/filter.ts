/** Resampling filters as two matrix products, one an axis, with gain, padding and stride folded into a banded matrix. */
import type { Tensor, Tensor3D, Tensor4D } from '@tensorflow/tfjs';
import { tf } from '../tensorflow.js';
import { customGradient } from './custom-gradient.js';

export interface FilterOptions {
  /** Zeros put after every sample before filtering: `up - 1` of them. */
  up?: number;
  /** Every `down`-th sample is kept. */
  down?: number;
  /** Zeros before and after, counted after upsampling; negative crops. */
  padding?: readonly [number, number];
  /** Gain of the whole two-dimensional filter. */
  gain?: number;
}

/** Upsample, pad, convolve with the separable filter `taps` x `taps` (normalised to sum 1), keep every `down`-th sample. [n, h, w, c] */
export function filter2d(x: Tensor4D, taps: readonly number[], options: FilterOptions = {}): Tensor4D {
  const [, height, width] = x.shape;
  const vertical = band(height, taps, options);
  const horizontal = width === height ? vertical : band(width, taps, options);
  return alongWidth(alongHeight(x, vertical), horizontal);
}

/** Twice the size by default. Padding keeps the picture centred (an even filter puts samples between the old ones). */
export function upsample2d(
  x: Tensor4D,
  taps: readonly number[],
  { up = 2, gain = 1 }: Pick<FilterOptions, 'up' | 'gain'> = {},
): Tensor4D {
  const padding = [Math.floor((taps.length + up - 1) / 2), Math.floor((taps.length - up) / 2)] as const;
  return filter2d(x, taps, { up, padding, gain: gain * up * up });
}

/** Half the size by default. */
export function downsample2d(
  x: Tensor4D,
  taps: readonly number[],
  { down = 2, gain = 1 }: Pick<FilterOptions, 'down' | 'gain'> = {},
): Tensor4D {
  const padding = [Math.floor((taps.length - down + 1) / 2), Math.floor((taps.length - down) / 2)] as const;
  return filter2d(x, taps, { down, padding, gain });
}

/** A dense [outputs, inputs] matrix that is zero off its band. */
interface Band {
  outputs: number;
  inputs: number;
  values: Float32Array;
}

/** y[i] = sum over k of taps[k] * padded[i * down + k]; the taps are symmetric, so flipping them changes nothing. */
function band(
  inputs: number,
  taps: readonly number[],
  { up = 1, down = 1, padding = [0, 0], gain = 1 }: FilterOptions,
): Band {
  const sum = taps.reduce((total, tap) => total + tap, 0);
  const [before, after] = padding;
  const outputs = Math.floor((inputs * up + before + after - taps.length) / down) + 1;
  const values = new Float32Array(outputs * inputs);
  for (let i = 0; i < outputs; i++) {
    taps.forEach((_, k) => {
      const position = i * down + k - before;
      if (position < 0 || position >= inputs * up || position % up !== 0) return;
      const tap = taps[taps.length - 1 - k] as number;
      values[i * inputs + position / up] = (tap / sum) * Math.sqrt(gain);
    });
  }
  return { outputs, inputs, values };
}

function transposed({ outputs, inputs, values }: Band): Band {
  const flipped = new Float32Array(values.length);
  for (let i = 0; i < outputs; i++)
    for (let j = 0; j < inputs; j++) flipped[j * outputs + i] = values[i * inputs + j] as number;
  return { outputs: inputs, inputs: outputs, values: flipped };
}

function alongHeight(x: Tensor4D, matrix: Band): Tensor4D {
  const [n, , width, c] = x.shape;
  const rows: Tensor3D = tf.reshape(x, [n, matrix.inputs, width * c]);
  return tf.reshape(apply(matrix, rows), [n, matrix.outputs, width, c]);
}

function alongWidth(x: Tensor4D, matrix: Band): Tensor4D {
  const [n, height, , c] = x.shape;
  const columns: Tensor3D = tf.reshape(x, [n * height, matrix.inputs, c]);
  return tf.reshape(apply(matrix, columns), [n, height, matrix.outputs, c]);
}

/** matrix [outputs, inputs] times x [n, inputs, m]; the matrix is constant, so the gradient is its transpose. */
function apply(matrix: Band, x: Tensor3D): Tensor3D {
  return customGradient(
    { x },
    () => {
      const a = tf.tensor3d(matrix.values, [1, matrix.outputs, matrix.inputs]);
      return tf
        .engine()
        .runKernel('BatchMatMul', { a, b: x }, { transposeA: false, transposeB: false }) as Tensor;
    },
    (dy) => ({ x: () => apply(transposed(matrix), dy as Tensor3D) }),
  ) as Tensor3D;
}
