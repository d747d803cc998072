/** Corruptions: additive noise, and cutout of a square. */
import type { Tensor, Tensor1D, Tensor4D } from '@tensorflow/tfjs';
import { tf } from '../../nn/tensorflow.js';
import { perImage } from './coordinates.js';
import type { Draws } from './draws.js';

/**
 * Karras et al. 2020 (ADA), appendix B, figure "pseudocode", additive noise: |N(0, scale^2)| is its
 * standard deviation.
 */
export function addNoise(images: Tensor4D, scale: number, draws: Draws): Tensor4D {
  const deviation = tf.mul(draws.gate('noise'), tf.abs(tf.mul(draws.normal('noise'), scale))) as Tensor1D;
  return tf.add(images, tf.mul(draws.pixels(images.shape), perImage(deviation)));
}

/** A square of each image. Each [n]. */
export interface Cutout {
  /** Of its center, as fractions of the image's side. */
  x: Tensor;
  y: Tensor;
  /** As a fraction of the image's side; 0 for none. */
  side: Tensor;
}

/** Karras et al. 2020 (ADA), appendix B, figure "pseudocode", cutout. */
export function drawCutout(side: number, draws: Draws): Cutout {
  return {
    x: draws.uniform('cutout', 0),
    y: draws.uniform('cutout', 1),
    side: tf.mul(draws.gate('cutout'), side),
  };
}

/**
 * Pixels of the square, whose borders are rounded to whole pixels, become 0. images [n, side, side,
 * c]
 */
export function cutOut(images: Tensor4D, { x, y, side }: Cutout): Tensor4D {
  const size = images.shape[1];
  const inside = (center: Tensor, shape: number[]) => {
    const half = tf.mul(side, 0.5);
    const border = (at: Tensor) => tf.reshape(tf.round(tf.mul(at, size)), [-1, 1, 1, 1]);
    const pixels = tf.reshape(tf.range(0, size), shape);
    return tf.logicalAnd(
      tf.greaterEqual(pixels, border(tf.sub(center, half))),
      tf.less(pixels, border(tf.add(center, half))),
    );
  };
  const square = tf.logicalAnd(inside(x, [1, 1, size, 1]), inside(y, [1, size, 1, 1]));
  return tf.mul(images, tf.sub(1, tf.cast(square, 'float32')));
}
