/** Fully connected and convolutional layers with equalized learning rate, and their resampling. */
import type { Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs';
import { biasAct } from '../../../nn/ops/bias-act.js';
import { conv2d } from '../../../nn/ops/conv.js';
import { type FullyConnectedOptions, fullyConnected } from '../../../nn/ops/fully-connected.js';
import { type HalfType, toHalf } from '../../../nn/ops/half.js';
import { downsample2d, filter2d } from '../../../nn/ops/upfirdn2d.js';
import { tf } from '../../../nn/tensorflow.js';
import type { ParameterScope } from '../parameter-scope.js';
import { buffer, constant, type Initial, normal, parameter, type ParameterSpecs } from '../parameters.js';
import type { LayerPrecision } from './layer-precision.js';

/**
 * Taps of the separable low-pass filter that all resampling uses (Karras et al. 2019, section 2;
 * Zhang 2019).
 */
export const RESAMPLE_TAPS = [1, 3, 3, 1];

/** The filter as it is stored in state dicts: 4x4, sum 1. */
function resampleFilter(): Initial {
  const sum = RESAMPLE_TAPS.reduce((total, tap) => total + tap, 0);
  const values = RESAMPLE_TAPS.flatMap((row) => RESAMPLE_TAPS.map((column) => (row * column) / sum ** 2));
  return { type: 'values', values: Float32Array.from(values) };
}

/** The filter of a layer that resamples. */
export function filterSpecs(): ParameterSpecs {
  return { resample_filter: buffer([4, 4], resampleFilter()) };
}

/** Weight and bias of a convolution. */
export function convSpecs({
  outputs,
  inputs,
  kernel,
}: {
  outputs: number;
  inputs: number;
  kernel: number;
}): ParameterSpecs {
  return {
    weight: parameter([outputs, inputs, kernel, kernel], normal()),
    bias: parameter([outputs], constant(0)),
  };
}

/** Weight and bias of a fully connected layer. */
export function denseSpecs({
  outputs,
  inputs,
  bias = 0,
}: {
  outputs: number;
  inputs: number;
  bias?: number;
}): ParameterSpecs {
  return {
    weight: parameter([outputs, inputs], normal()),
    bias: parameter([outputs], constant(bias)),
  };
}

/** The fully connected layer of a scope. x [n, in] -> [n, out] */
export function dense(layer: ParameterScope, x: Tensor2D, options?: FullyConnectedOptions): Tensor2D {
  return fullyConnected(x, layer.take<Tensor2D>('weight'), layer.take<Tensor1D>('bias'), options);
}

/** Parameters hold [out, in, h, w]; convolutions take [h, w, in, out], in the features' type. */
export function toHwio(weight: Tensor4D, half: HalfType | null): Tensor4D {
  return toHalf(tf.transpose(weight, [2, 3, 1, 0]) as Tensor4D, half);
}

/**
 * [out, in, h, w] -> [h, w, out, in], which transposed convolutions take, in the features' type.
 */
export function toHwoi(weight: Tensor4D, half: HalfType | null): Tensor4D {
  return toHalf(tf.transpose(weight, [2, 3, 0, 1]) as Tensor4D, half);
}

/**
 * Gain that keeps the variance of a layer's output at that of its input, applied at run time
 * (equalized learning rate).
 */
function equalizedGain(weight: Tensor4D): number {
  const [, inputs, height, width] = weight.shape;
  return 1 / Math.sqrt(inputs * height * width);
}

/**
 * Gain of a leaky ReLU of slope 0.2. It is applied to the weights and biases before it, which are
 * small: lrelu(g * x) = g * lrelu(x) for positive g.
 */
export const ACTIVATION_GAIN = Math.SQRT2;

/**
 * The kernel of a convolution: [out, in, k, k] -> [k, k, in, out], with equalized learning rate,
 * in the features' type.
 */
function equalized(weight: Tensor4D, gain: number, half: HalfType | null): Tensor4D {
  return toHwio(tf.mul(weight, equalizedGain(weight) * gain) as Tensor4D, half);
}

/** Zero padding that keeps the size. */
export function samePadding(weight: Tensor4D): number {
  return (weight.shape[2] - 1) / 2;
}

/** Convolution that keeps the size. x [n, h, w, in], weight [out, in, k, k] -> [n, h, w, out] */
export function conv(x: Tensor4D, weight: Tensor4D, gain: number, half: HalfType | null): Tensor4D {
  return conv2d(x, equalized(weight, gain, half), { stride: 1, padding: samePadding(weight) });
}

/**
 * Convolution to half the size: low-pass filter, then a convolution of stride 2. x [n, h, w, in] ->
 * [n, h/2, w/2, out]
 */
export function convDown(x: Tensor4D, weight: Tensor4D, gain: number, half: HalfType | null): Tensor4D {
  const kernel = equalized(weight, gain, half);
  // A 1x1 kernel of stride 2 only reads every second pixel, so the filter already downsamples.
  if (weight.shape[2] === 1) {
    return conv2d(downsample2d(x, RESAMPLE_TAPS), kernel, { stride: 1, padding: 0 });
  }
  return conv2d(filter2d(x, RESAMPLE_TAPS, { padding: [2, 2] }), kernel, { stride: 2, padding: 0 });
}

/**
 * Bias, leaky ReLU and clamp. x [n, h, w, c] already includes the gain of the activation; bias [c],
 * in single precision, does not.
 *
 * @param residual additional gain of a layer whose output is added to a skip connection
 */
export function activate(
  x: Tensor4D,
  bias: Tensor1D,
  { half, clamp }: LayerPrecision,
  residual = 1,
): Tensor4D {
  const scaled = toHalf(tf.mul(bias, ACTIVATION_GAIN * residual), half);
  const limit = clamp === null ? null : clamp * residual;
  return biasAct(x, scaled, 'lrelu', { clamp: limit }) as Tensor4D;
}
