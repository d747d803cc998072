/**
 * StyleGAN3's input: Fourier features that a learned transform rotates and shifts. Karras et al.
 * 2021, section 3.2 and appendix F.
 */
import type { Tensor1D, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs';
import { RandomStream } from '../../../core/random.js';
import { tf } from '../../../nn/tensorflow.js';
import type { ParameterScope } from '../parameter-scope.js';
import {
  buffer,
  constant,
  type Initial,
  normal,
  normalValues,
  parameter,
  type ParameterSpecs,
} from '../parameters.js';
import { dense } from '../shared/layers.js';
import type { Signal } from './layer-plans.js';

/** Frequencies and phases are not learned; they are the same for every seed of a training. */
const SEED = 0;
/** Random streams of the frequencies and phases. */
const STREAM = { freqs: 'synthesis.input.freqs', phases: 'synthesis.input.phases' };

/** State of the input. */
export function inputSpecs({ channels, cutoff }: Signal, wDim: number): ParameterSpecs {
  return {
    weight: parameter([channels, channels], normal()),
    'affine.weight': parameter([4, wDim], constant(0)),
    // No rotation and no shift at first: (cos, sin, x, y).
    'affine.bias': parameter([4], values(Float32Array.of(1, 0, 0, 0))),
    transform: buffer([3, 3], values(Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1))),
    freqs: buffer([channels, 2], values(frequencies(channels, cutoff))),
    phases: buffer([channels], values(phases(channels))),
  };
}

function values(array: Float32Array): Initial {
  return { type: 'values', values: array };
}

/**
 * Frequencies distributed uniformly over the disc within the cutoff: directions of normal vectors,
 * and radii mapped to uniform area (appendix F).
 */
function frequencies(channels: number, cutoff: number): Float32Array {
  const drawn = normalValues(channels * 2, 1, SEED, STREAM.freqs);
  for (let i = 0; i < channels; i++) {
    const radius = Math.hypot(drawn[2 * i] as number, drawn[2 * i + 1] as number);
    const scale = cutoff / (radius * Math.exp(radius ** 2) ** 0.25);
    drawn[2 * i] = (drawn[2 * i] as number) * scale;
    drawn[2 * i + 1] = (drawn[2 * i + 1] as number) * scale;
  }
  return drawn;
}

/** Uniform in -0.5...0.5, in periods. */
function phases(channels: number): Float32Array {
  const stream = new RandomStream(SEED, STREAM.phases);
  return Float32Array.from({ length: channels }, () => Number(stream.next() & 0xffffffffn) / 2 ** 32 - 0.5);
}

/** w [n, wDim] -> features [n, size, size, channels]. */
export function applyInput(
  input: ParameterScope,
  { size, rate, cutoff, channels }: Signal,
  w: Tensor2D,
): Tensor4D {
  const { rotation, shift } = transformOf(dense(input.scope('affine'), w), input.take('transform'));
  const freqs = input.take<Tensor2D>('freqs');
  // [n, channels, 2] and [n, channels]
  const rotated = product(freqs, rotation);
  const shifted = tf.add(input.take<Tensor1D>('phases'), tf.squeeze(product(freqs, shift), [2])) as Tensor2D;
  // Attenuates frequencies beyond the cutoff, to zero at half the sampling rate.
  const radius = tf.sqrt(tf.sum(tf.square(rotated), 2));
  const fade = tf.sub(1, tf.div(tf.sub(radius, cutoff), rate / 2 - cutoff));
  const amplitude = tf.reshape(tf.clipByValue(fade, 0, 1), [-1, 1, channels]);
  const angle = tf.add(
    tf.matMul(grid(size, rate, w.shape[0]), rotated, false, true),
    tf.expandDims(shifted, 1),
  );
  const waves = tf.mul(tf.sin(tf.mul(angle, 2 * Math.PI)), amplitude);
  const weight = tf.mul(input.take<Tensor2D>('weight'), 1 / Math.sqrt(channels)) as Tensor2D;
  const mixed = tf.matMul(tf.reshape(waves, [-1, channels]) as Tensor2D, weight, false, true);
  return tf.reshape(mixed, [-1, size, size, channels]) as Tensor4D;
}

/**
 * Rotation [n, 2, 2] and shift [n, 2, 1] of each image's frequencies.
 *
 * @param raw [n, 4]: (cos, sin, x, y) of each image, not normalized
 * @param transform [3, 3], applied first; constant during training
 */
function transformOf(raw: Tensor2D, transform: Tensor2D): { rotation: Tensor3D; shift: Tensor3D } {
  const scale = tf.rsqrt(tf.sum(tf.square(tf.slice(raw, [0, 0], [-1, 2])), 1, true));
  const [cos, sin, x, y] = tf.split(tf.mul(raw, scale) as Tensor2D, 4, 1) as [
    Tensor2D,
    Tensor2D,
    Tensor2D,
    Tensor2D,
  ];
  const [zeros, ones] = [tf.zerosLike(cos), tf.onesLike(cos)];
  const matrix = (entries: Tensor2D[]) => tf.reshape(tf.concat2d(entries, 1), [-1, 3, 3]) as Tensor3D;
  const rotations = matrix([cos, tf.neg(sin), zeros, sin, cos, zeros, zeros, zeros, ones]);
  const translations = matrix([ones, zeros, tf.neg(x), zeros, ones, tf.neg(y), zeros, zeros, ones]);
  const transforms = tf.tile(tf.expandDims(transform, 0), [raw.shape[0], 1, 1]) as Tensor3D;
  const all = tf.matMul(tf.matMul(rotations, translations), transforms) as Tensor3D;
  return {
    rotation: tf.slice3d(all, [0, 0, 0], [-1, 2, 2]),
    shift: tf.slice3d(all, [0, 0, 2], [-1, 2, 1]),
  };
}

/** A matrix times the matrix of each image: a [m, k], b [n, k, l] -> [n, m, l]. */
function product(a: Tensor2D, b: Tensor3D): Tensor3D {
  return tf.matMul(tf.tile(tf.expandDims(a, 0), [b.shape[0], 1, 1]) as Tensor3D, b);
}

/** Positions (x, y) of the pixels, in image widths from the center. [n, size * size, 2] */
function grid(size: number, rate: number, images: number): Tensor3D {
  const at = (i: number) => (i + 0.5 - size / 2) / rate;
  const positions = Array.from({ length: size * size }, (_, k) => [at(k % size), at(Math.floor(k / size))]);
  return tf.tile(tf.tensor3d([positions]), [images, 1, 1]) as Tensor3D;
}
