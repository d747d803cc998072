/** Which layers compute in half precision, and what keeps them in its range. Karras et al. 2020 (ADA), appendix, "Mixed-precision training". */
import type { Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs';
import { customGradient } from '../../nn/ops/custom-gradient.js';
import { type HalfType, toFloat, toHalf } from '../../nn/ops/half.js';
import { tf } from '../../nn/tensorflow.js';
import type { NetworkConfig } from '../config.js';

/** How a layer computes. */
export interface LayerPrecision {
  /** The type of its features and of its copies of weights; null: single precision. */
  half: HalfType | null;
  /** Features are kept within +-clamp; null: they are not. */
  clamp: number | null;
}

/** So many of the highest resolutions, where nearly all of the time goes. */
const HALF_RESOLUTIONS = 4;
/** But none below this: the smallest features decide the picture's layout. */
const LEAST_RESOLUTION = 8;
/** An order of magnitude more than features need. */
const CLAMP = 256;

/** @param resolution of the layer, or for StyleGAN3 its sampling rate */
export function layerPrecision(
  { half, clamp, resolution: highest }: Pick<NetworkConfig, 'half' | 'clamp' | 'resolution'>,
  resolution: number,
): LayerPrecision {
  const first = Math.max(LEAST_RESOLUTION, highest / 2 ** (HALF_RESOLUTIONS - 1));
  if (half === null || resolution < first) return { half: null, clamp };
  return { half, clamp: clamp ?? CLAMP };
}

/** Features that one layer made, for the next one to take. */
export function handOver(x: Tensor4D, from: HalfType | null, to: HalfType | null): Tensor4D {
  return from === to ? x : toHalf(toFloat(x, from), to);
}

/**
 * Weights, each output's divided by its largest times the root of its inputs, so that products of features within the clamp stay
 * far from the largest half-precision number. Demodulation takes the scale out again. [out, in, k, k]
 */
export function normalizedWeight(weight: Tensor4D): Tensor4D {
  const [, inputs, height, width] = weight.shape;
  const scale = constantOf({ weight }, () => tf.max(tf.abs(weight), [1, 2, 3], true));
  return tf.div(weight, tf.mul(scale, Math.sqrt(inputs * height * width))) as Tensor4D;
}

/** Styles, each image's divided by its largest; demodulation takes the scale out again. [n, in] */
export function normalizedStyle(style: Tensor2D): Tensor2D {
  return tf.div(
    style,
    constantOf({ style }, () => tf.max(tf.abs(style), 1, true)),
  ) as Tensor2D;
}

/** Without a gradient: what is computed does not depend on a scale that is taken out again, to any order. */
function constantOf(inputs: Record<string, Tensor>, compute: () => Tensor): Tensor {
  return customGradient(inputs, compute, () =>
    Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, () => tf.zerosLike(input)])),
  );
}
