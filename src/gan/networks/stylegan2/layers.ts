/** The convolutions of StyleGAN2: with equalised learning rate, resampling, and modulation. */
import type { Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs';
import { tf } from '../../../nn/tensorflow.js';
import { biasAct } from '../../../nn/ops/bias-act.js';
import { conv2d, convTranspose2d } from '../../../nn/ops/conv.js';
import { downsample2d, filter2d } from '../../../nn/ops/upfirdn2d.js';
import { type HalfType, toHalf } from '../../../nn/ops/half.js';
import { type LayerPrecision, normalizedStyle, normalizedWeight } from '../half-layers.js';
import { constant, normal, parameter, buffer, type Initial, type ParameterSpecs } from '../parameters.js';

const DEMODULATION_EPSILON = 1e-8;

/** Taps of the separable low-pass filter that all resampling uses (Karras et al. 2019, section 2; Zhang 2019). */
export const RESAMPLE_TAPS = [1, 3, 3, 1];

/** The filter as state dicts hold it: 4x4, sum 1. */
export function resampleFilter(): Initial {
  const sum = RESAMPLE_TAPS.reduce((total, tap) => total + tap, 0);
  const values = RESAMPLE_TAPS.flatMap((row) => RESAMPLE_TAPS.map((column) => (row * column) / sum ** 2));
  return { type: 'values', values: Float32Array.from(values) };
}

export function filterSpec(name: string): ParameterSpecs {
  return { [`${name}.resample_filter`]: buffer([4, 4], resampleFilter()) };
}

/** Weight and bias of a convolution. */
export function convSpecs(name: string, outputs: number, inputs: number, kernel: number): ParameterSpecs {
  return {
    [`${name}.weight`]: parameter([outputs, inputs, kernel, kernel], normal()),
    [`${name}.bias`]: parameter([outputs], constant(0)),
  };
}

/** Weight and bias of a fully connected layer. */
export function denseSpecs(name: string, outputs: number, inputs: number, bias = 0): ParameterSpecs {
  return {
    [`${name}.weight`]: parameter([outputs, inputs], normal()),
    [`${name}.bias`]: parameter([outputs], constant(bias)),
  };
}

/** Parameters hold [out, in, h, w]; convolutions take [h, w, in, out], in the features' type. */
export function toHwio(weight: Tensor4D, half: HalfType | null): Tensor4D {
  return toHalf(tf.transpose(weight, [2, 3, 1, 0]) as Tensor4D, half);
}

/** [out, in, h, w] -> [h, w, out, in], which transposed convolutions take, in the features' type. */
export function toHwoi(weight: Tensor4D, half: HalfType | null): Tensor4D {
  return toHalf(tf.transpose(weight, [2, 3, 0, 1]) as Tensor4D, half);
}

/** Gain that keeps the variance of a layer's output at that of its input, applied at run time (equalised learning rate). */
function equalizedGain(weight: Tensor4D): number {
  const [, inputs, height, width] = weight.shape;
  return 1 / Math.sqrt(inputs * height * width);
}

/**
 * Gain of a leaky ReLU of slope 0.2. It is applied to what comes in, on weights and biases, which are small:
 * lrelu(g * x) = g * lrelu(x) for positive g.
 */
export const ACTIVATION_GAIN = Math.SQRT2;

/** Weights ready to convolve with: [out, in, k, k] -> [k, k, in, out], with equalised learning rate, in the features' type. */
function equalized(weight: Tensor4D, gain: number, half: HalfType | null): Tensor4D {
  return toHwio(tf.mul(weight, equalizedGain(weight) * gain) as Tensor4D, half);
}

/** Zero padding that keeps the size. */
function samePadding(weight: Tensor4D): number {
  return (weight.shape[2] - 1) / 2;
}

/** Convolution that keeps the size. x [n, h, w, in], weight [out, in, k, k] -> [n, h, w, out] */
export function conv(x: Tensor4D, weight: Tensor4D, gain: number, half: HalfType | null): Tensor4D {
  return conv2d(x, equalized(weight, gain, half), { stride: 1, padding: samePadding(weight) });
}

/** Convolution to half the size: low-pass filter, then a convolution of stride 2. x [n, h, w, in] -> [n, h/2, w/2, out] */
export function convDown(x: Tensor4D, weight: Tensor4D, gain: number, half: HalfType | null): Tensor4D {
  const kernel = equalized(weight, gain, half);
  // A 1x1 kernel reads every other pixel only: filter and decimation are one.
  if (weight.shape[2] === 1) {
    return conv2d(downsample2d(x, RESAMPLE_TAPS), kernel, { stride: 1, padding: 0 });
  }
  return conv2d(filter2d(x, RESAMPLE_TAPS, { padding: [2, 2] }), kernel, { stride: 2, padding: 0 });
}

/** Convolution to twice the size: transposed convolution of stride 2, then the low-pass filter. -> [n, 2h, 2w, out] */
function convUp(x: Tensor4D, weight: Tensor4D, half: HalfType | null): Tensor4D {
  // Zeros between the pixels take three quarters of the energy: gain 4.
  const spread = convTranspose2d(x, toHwoi(weight, half), { stride: 2 });
  return filter2d(spread, RESAMPLE_TAPS, { padding: [1, 1], gain: 4 });
}

export interface ModulationOptions {
  /** To twice the size. */
  up: boolean;
  gain: number;
  /** Type of the features, where it is not single precision. */
  half: HalfType | null;
}

/**
 * Modulated and demodulated convolution. Karras et al. 2020, section 2.2, equations 1-3, with the modulation on the input and
 * the demodulation on the output: the same numbers, and one convolution for all images.
 *
 * x [n, h, w, in], weight [out, in, k, k], style [n, in] -> [n, h, w, out], or twice the size
 */
export function modulatedConv(
  x: Tensor4D,
  weight: Tensor4D,
  style: Tensor2D,
  { up, gain, half }: ModulationOptions,
): Tensor4D {
  const [w, s] = half ? [normalizedWeight(weight), normalizedStyle(style)] : [weight, style];
  const modulated = modulate(x, toHalf(s, half));
  const y = up
    ? convUp(modulated, w, half)
    : conv2d(modulated, toHwio(w, half), { stride: 1, padding: samePadding(w) });
  const energy = tf.sum(tf.square(w), [2, 3]) as Tensor2D;
  const squares = tf.matMul(tf.square(s), energy, false, true);
  const scale = tf.mul(tf.rsqrt(tf.add(squares, DEMODULATION_EPSILON)), gain) as Tensor2D;
  return modulate(y, toHalf(scale, half));
}

/** Each image's channels times their scales. x [n, h, w, c], scale [n, c] */
export function modulate(x: Tensor4D, scale: Tensor2D): Tensor4D {
  const [images, channels] = scale.shape;
  return tf.mul(x, tf.reshape(scale, [images, 1, 1, channels]));
}

/**
 * Bias, leaky ReLU and clamp. x [n, h, w, c], which has the gain already; bias [c], in single precision, which has not.
 *
 * @param residual gain beside the activation's own, where the layer is one of two that are added
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
