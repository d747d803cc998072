/**
 * Modulation and demodulation of features by styles. Karras et al. 2020, section 2.2, equations
 * 1-3.
 */
import type { Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs';
import { customGradient } from '../../../nn/ops/custom-gradient.js';
import { tf } from '../../../nn/tensorflow.js';

const EPSILON = 1e-8;

/** Scales the channels of each image. x [n, h, w, c], scale [n, c] */
export function modulate(x: Tensor4D, scale: Tensor2D): Tensor4D {
  const [images, channels] = scale.shape;
  return tf.mul(x, tf.reshape(scale, [images, 1, 1, channels]));
}

/**
 * Scales of the outputs of a convolution with style [n, in] and weight [out, in, k, k] that restore
 * unit variance. [n, out]
 */
export function demodulation(weight: Tensor4D, style: Tensor2D): Tensor2D {
  const energy = tf.sum(tf.square(weight), [2, 3]) as Tensor2D;
  const squares = tf.matMul(tf.square(style), energy, false, true);
  return tf.rsqrt(tf.add(squares, EPSILON)) as Tensor2D;
}

/**
 * Divides the weights of each output by their largest absolute value and by the square root of the
 * number of inputs, so that half precision does not overflow for clamped features. Demodulation
 * cancels the scale. [out, in, k, k]
 */
export function normalizedWeight(weight: Tensor4D): Tensor4D {
  const [, inputs, height, width] = weight.shape;
  const scale = withoutGradient({ weight }, () => tf.max(tf.abs(weight), [1, 2, 3], true));
  return tf.div(weight, tf.mul(scale, Math.sqrt(inputs * height * width))) as Tensor4D;
}

/** Divides the styles of each image by the largest; demodulation cancels the scale. [n, in] */
export function normalizedStyle(style: Tensor2D): Tensor2D {
  const scale = withoutGradient({ style }, () => tf.max(tf.abs(style), 1, true));
  return tf.div(style, scale) as Tensor2D;
}

/** Stops the gradient: demodulation cancels the scale, so no derivative depends on it. */
function withoutGradient(inputs: Record<string, Tensor>, compute: () => Tensor): Tensor {
  return customGradient(inputs, compute, () =>
    Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, () => tf.zerosLike(input)])),
  );
}
