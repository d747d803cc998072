/** Image-space filtering: amplifies or attenuates four frequency bands. */
import type { Tensor1D, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs';
import { tf } from '../../nn/tensorflow.js';
import { perImage, reflectedIndex } from './coordinates.js';
import type { Draws } from './draws.js';
import { filterBank, SYM2 } from './wavelets.js';

/** The filter of each image. */
export interface BandGains {
  /** From the lowest band to the highest. [n, 4] */
  gains: Tensor2D;
  /** 1 for images that are filtered, 0 for others. [n] */
  active: Tensor1D;
}

/** Fraction of the power of natural images in each band, whose spectrum falls as 1 / f. */
const EXPECTED_POWER = [10, 1, 1, 1].map((power) => power / 13);

const BANDS = ['band0', 'band1', 'band2', 'band3'] as const;

/**
 * Karras et al. 2020 (ADA), appendix B, figure "pseudocode", image-space filtering: each band is
 * amplified with probability p, and each time all four are scaled so that the expected power does
 * not change.
 *
 * @param deviation of the base-2 logarithm of an amplification
 */
export function drawBandGains(deviation: number, draws: Draws): BandGains {
  const ones = tf.ones([draws.images, 4]) as Tensor2D;
  const gates = BANDS.map((band) => draws.gate(band));
  const gains = BANDS.map((band) => {
    const isBand = tf.tensor2d([BANDS.map((other) => (other === band ? 1 : 0))]);
    const factor = tf.reshape(draws.factor(band, deviation), [-1, 1]);
    const amplified = tf.add(ones, tf.mul(isBand, tf.sub(factor, 1)));
    const power = tf.sum(tf.mul(tf.square(amplified), tf.tensor1d(EXPECTED_POWER)), 1, true);
    return tf.div(amplified, tf.sqrt(power)) as Tensor2D;
  });
  return {
    gains: gains.reduce((product, gain) => tf.mul(product, gain) as Tensor2D),
    active: gates.reduce((any, gate) => tf.maximum(any, gate) as Tensor1D),
  };
}

/**
 * Filters images [n, side, side, c] along both axes, with reflection padding. Images that are not
 * active stay bit-exact.
 */
export function filterBands(images: Tensor4D, { gains, active }: BandGains): Tensor4D {
  const [n, side] = images.shape;
  const bank = tf.tensor2d(bankMatrices(side), [4, side * side]);
  const matrices: Tensor3D = tf.reshape(tf.matMul(gains, bank), [n, side, side]);
  const filtered = filterHeight(filterHeight(images, matrices), matrices);
  const isActive = perImage(active);
  return tf.add(tf.mul(filtered, isActive), tf.mul(images, tf.sub(1, isActive)));
}

/** Multiplies the height of each image by its matrix. The result has height and width swapped. */
function filterHeight(images: Tensor4D, matrices: Tensor3D): Tensor4D {
  const [n, height, width, channels] = images.shape;
  const columns = tf.matMul(matrices, tf.reshape(images, [n, height, width * channels]) as Tensor3D);
  return tf.transpose(tf.reshape(columns, [n, height, width, channels]), [0, 2, 1, 3]);
}

/**
 * The filter of each band as a matrix, with reflection padding. [4, side, side]
 */
function bankMatrices(side: number): Float32Array {
  const values = new Float32Array(4 * side * side);
  filterBank(SYM2).forEach((taps, band) => {
    const center = (taps.length - 1) / 2;
    for (let i = 0; i < side; i++) {
      taps.forEach((tap, k) => {
        const at = (band * side + i) * side + reflectedIndex(i + k - center, side);
        values[at] = (values[at] as number) + tap;
      });
    }
  });
  return values;
}
