/** StyleGAN2's modulated convolution. Karras et al. 2020, section 2.2. */
import type { Tensor2D, Tensor4D } from '@tensorflow/tfjs';
import { conv2d, convTranspose2d } from '../../../nn/ops/conv.js';
import { type HalfType, toHalf } from '../../../nn/ops/half.js';
import { filter2d } from '../../../nn/ops/upfirdn2d.js';
import { tf } from '../../../nn/tensorflow.js';
import { RESAMPLE_TAPS, samePadding, toHwio, toHwoi } from '../shared/layers.js';
import { demodulation, modulate, normalizedStyle, normalizedWeight } from '../shared/modulation.js';

export interface ModulationOptions {
  /** Whether to double the size. */
  up: boolean;
  gain: number;
  /** Type of the features, where it is not single precision. */
  half: HalfType | null;
}

/**
 * Modulated and demodulated convolution. Modulation is applied to the input and demodulation to the
 * output, which is equivalent to weights modulated for each image, but needs one convolution for
 * all images.
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
  const scale = tf.mul(demodulation(w, s), gain) as Tensor2D;
  return modulate(y, toHalf(scale, half));
}

/**
 * Convolution to twice the size: transposed convolution of stride 2, then the low-pass filter. ->
 * [n, 2h, 2w, out]
 */
function convUp(x: Tensor4D, weight: Tensor4D, half: HalfType | null): Tensor4D {
  const upsampled = convTranspose2d(x, toHwoi(weight, half), { stride: 2 });
  // Gain 4, because three of four pixels before the convolution are inserted zeros.
  return filter2d(upsampled, RESAMPLE_TAPS, { padding: [1, 1], gain: 4 });
}
