/** Resampling with separable filters, in the form that is fastest for each: a depthwise convolution or banded matrices. */
import type { Tensor3D, Tensor4D } from '@tensorflow/tfjs';
import { type AttributeValue, nativeOp } from '../native-op.js';
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
  const { up = 1, down = 1, padding = [0, 0], gain = 1 } = options;
  const [, height, width] = x.shape;
  const [before, after] = padding;
  const axis = (inputs: number): Axis => ({ inputs, up, down, before, after });
  return resample(x, taps, { vertical: axis(height), horizontal: axis(width), gain });
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

/** How one axis is resampled; `before` and `after` count zeros after upsampling. */
interface Axis {
  inputs: number;
  up: number;
  down: number;
  before: number;
  after: number;
}

interface Resampling {
  vertical: Axis;
  horizontal: Axis;
  /** Of both axes together. */
  gain: number;
}

/**
 * Up to so many taps a depthwise convolution, which reads each pixel once, beats matrices that are mostly zeros (measured:
 * docs/decisions/compiled-step.md).
 */
const SHORT_TAPS = 4;

function resample(x: Tensor4D, taps: readonly number[], resampling: Resampling): Tensor4D {
  const { vertical, horizontal, gain } = resampling;
  return customGradient(
    { x },
    () => {
      if (isDepthwise(vertical, taps) && isDepthwise(horizontal, taps)) return depthwise(x, taps, resampling);
      const columns = band(horizontal, taps, gain);
      return alongHeight(alongWidth(x, columns), band(vertical, taps, gain));
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

function outputsOf({ inputs, up, down, before, after }: Axis, taps: number): number {
  return Math.floor((inputs * up + before + after - taps) / down) + 1;
}

/** Up and down change places: the transpose of a resampling is a resampling, with its taps reversed. */
function transposedAxis(axis: Axis, taps: number): Axis {
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

function isDepthwise({ up, before, after }: Axis, taps: readonly number[]): boolean {
  return up === 1 && taps.length <= SHORT_TAPS && before >= 0 && after >= 0;
}

/** Pad, correlate each channel with the reversed taps, keep every `down`-th sample. */
function depthwise(
  x: Tensor4D,
  taps: readonly number[],
  { vertical, horizontal, gain }: Resampling,
): Tensor4D {
  const [, , , channels] = x.shape;
  const weights = scaled([...taps].reverse(), gain);
  const plane = weights.flatMap((row) =>
    weights.flatMap((column) => Array<number>(channels).fill(row * column)),
  );
  const filter = tf.tensor4d(plane, [taps.length, taps.length, channels, 1]);
  const padding = [0, 0, vertical.before, vertical.after, horizontal.before, horizontal.after, 0, 0];
  const attributes: Record<string, AttributeValue> = {
    T: ['type', 'float32'],
    strides: ['ints', [1, vertical.down, horizontal.down, 1]],
    padding: ['text', 'EXPLICIT'],
    explicit_paddings: ['ints', padding],
    data_format: ['text', 'NHWC'],
    dilations: ['ints', [1, 1, 1, 1]],
  };
  return nativeOp('DepthwiseConv2dNative', attributes, [x, filter]) as Tensor4D;
}

/**
 * Convolution of each channel with a filter that is not separable, keeping every `down`-th sample. [n, h, w, c] -> [n, h', w', c],
 * h' = floor((h - k) / down) + 1
 *
 * @param plane [k, k], row by row; used as it is, so its sum is its gain
 */
export function filterPlane(x: Tensor4D, plane: Float32Array, { down }: { down: number }): Tensor4D {
  const size = Math.sqrt(plane.length);
  const flipped = plane.slice().reverse();
  return customGradient(
    { x },
    () => {
      const { shape } = x;
      const values = [...flipped].flatMap((tap) => Array<number>(shape[3]).fill(tap));
      const filter = tf.tensor4d(values, [size, size, shape[3], 1]);
      return tf.depthwiseConv2d(x, filter, down, 'valid');
    },
    (dy) => ({
      x: () => {
        // Zeros between and around, then the filter the other way round.
        const spread = (inputs: number, outputs: number): Axis => {
          const [before, after] = [size - 1, inputs - outputs * down];
          return { inputs: outputs, up: down, down: 1, before, after };
        };
        const [, height, width] = dy.shape as [number, number, number, number];
        const vertical = spread(x.shape[1], height);
        const horizontal = spread(x.shape[2], width);
        const sparse = resample(dy as Tensor4D, [1], { vertical, horizontal, gain: 1 });
        return filterPlane(sparse, flipped, { down: 1 });
      },
    }),
  ) as Tensor4D;
}

/** Taps of sum 1, times the share of the gain that falls to one axis. */
function scaled(taps: readonly number[], gain: number): number[] {
  const sum = taps.reduce((total, tap) => total + tap, 0);
  return taps.map((tap) => (tap / sum) * Math.sqrt(gain));
}

/** A dense [outputs, inputs] matrix that is zero off its band. */
export interface Band {
  outputs: number;
  inputs: number;
  values: Float32Array;
}

/** y[i] = sum over k of taps[K - 1 - k] * padded[i * down + k], as a matrix. */
function band(axis: Axis, taps: readonly number[], gain: number): Band {
  const { inputs, up, down, before } = axis;
  const outputs = outputsOf(axis, taps.length);
  const weights = scaled(taps, gain);
  const values = new Float32Array(outputs * inputs);
  for (let i = 0; i < outputs; i++) {
    weights.forEach((_, k) => {
      const position = i * down + k - before;
      if (position < 0 || position >= inputs * up || position % up !== 0) return;
      values[i * inputs + position / up] = weights[taps.length - 1 - k] as number;
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

/** The matrix times every column of every image. x [n, inputs, w, c] -> [n, outputs, w, c] */
export function alongHeight(x: Tensor4D, matrix: Band): Tensor4D {
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
    () => (matrix.outputs > DENSE_OUTPUTS ? inBlocks(matrix, x) : multiply(matrix, x)),
    (dy) => ({ x: () => apply(transposed(matrix), dy as Tensor3D) }),
  ) as Tensor3D;
}

/** Above so many outputs the zeros off the band cost more than cutting it into blocks. */
const DENSE_OUTPUTS = 128;
const BLOCK = 64;

function multiply({ outputs, inputs, values }: Band, x: Tensor3D): Tensor3D {
  const a = tf.tensor3d(values, [1, outputs, inputs]);
  const attributes = { transposeA: false, transposeB: false };
  return tf.engine().runKernel('BatchMatMul', { a, b: x }, attributes) as Tensor3D;
}

/** Block after block of outputs, each from the few inputs that its part of the band reaches. */
function inBlocks(matrix: Band, x: Tensor3D): Tensor3D {
  const [n, , m] = x.shape;
  const blocks: Tensor3D[] = [];
  for (let first = 0; first < matrix.outputs; first += BLOCK) {
    const outputs = Math.min(BLOCK, matrix.outputs - first);
    const { from, to } = reach(matrix, first, outputs);
    const values = new Float32Array(outputs * (to - from));
    for (let i = 0; i < outputs; i++) {
      const row = (first + i) * matrix.inputs;
      values.set(matrix.values.subarray(row + from, row + to), i * (to - from));
    }
    const part = tf.slice3d(x, [0, from, 0], [n, to - from, m]);
    blocks.push(multiply({ outputs, inputs: to - from, values }, part));
  }
  return tf.concat3d(blocks, 1);
}

/** The columns that some of the rows are not zero in; one, where all are. */
function reach({ inputs, values }: Band, first: number, rows: number): { from: number; to: number } {
  let [from, to] = [inputs - 1, 0];
  for (let i = first; i < first + rows; i++)
    for (let j = 0; j < inputs; j++) {
      if (values[i * inputs + j] === 0) continue;
      from = Math.min(from, j);
      to = Math.max(to, j + 1);
    }
  return { from, to: Math.max(to, from + 1) };
}
