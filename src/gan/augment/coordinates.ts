/** Sources of the pixels of a transformed image: affine maps of grids, and reflection. */
import type { Tensor, Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs';
import { tf } from '../../nn/tensorflow.js';

/**
 * For every image, source = [[xx, xy], [yx, yy]] * (target - shift), both from the image's center.
 * Each [n].
 */
export interface InverseMap {
  xx: Tensor;
  xy: Tensor;
  yx: Tensor;
  yy: Tensor;
  /** In pixels, to the right and down. */
  shiftX: Tensor;
  shiftY: Tensor;
}

/** Sources of a square grid of targets, from the center, in pixels. Each [n, m, m], rows first. */
export interface Sources {
  x: Tensor;
  y: Tensor;
}

/** @param grid positions of the targets along either axis, from the center, in pixels */
export function sourcesOf(map: InverseMap, grid: readonly number[]): Sources {
  const positions = tf.tensor1d([...grid]);
  const x = tf.sub(tf.reshape(positions, [1, 1, -1]), perGrid(map.shiftX));
  const y = tf.sub(tf.reshape(positions, [1, -1, 1]), perGrid(map.shiftY));
  return {
    x: tf.add(tf.mul(perGrid(map.xx), x), tf.mul(perGrid(map.xy), y)),
    y: tf.add(tf.mul(perGrid(map.yx), x), tf.mul(perGrid(map.yy), y)),
  };
}

/** One value for each image, to broadcast to its grid. [n] -> [n, 1, 1] */
function perGrid(values: Tensor): Tensor {
  return tf.reshape(values, [-1, 1, 1]);
}

/** Integers modulo a period: 0...period - 1. */
export function wrapped(index: Tensor, period: number): Tensor {
  return tf.sub(index, tf.mul(tf.floor(tf.div(index, period)), period));
}

/** Integers, reflected into 0...size - 1 without repeating the border. */
export function reflected(index: Tensor, size: number): Tensor {
  const last = size - 1;
  return tf.sub(last, tf.abs(tf.sub(last, wrapped(index, 2 * last))));
}

/**
 * Rows of pixels in a table of all pixels of a batch of square images. x, y [n, m, m] -> int32 [1,
 * n * m * m]
 */
export function pixelRows(x: Tensor, y: Tensor, side: number): Tensor2D {
  const [images] = x.shape as [number];
  // int32, because a batch may have more pixels than float32 can count.
  const first = tf.mul(tf.range(0, images, 1, 'int32'), tf.scalar(side * side, 'int32'));
  const inside = tf.add(tf.mul(tf.cast(y, 'int32'), tf.scalar(side, 'int32')), tf.cast(x, 'int32'));
  return tf.reshape(tf.add(tf.reshape(first, [images, 1, 1]), inside), [1, -1]);
}

/** [n, h, w, c] -> [n * h * w, c] */
export function pixelTable(images: Tensor4D): Tensor2D {
  return tf.reshape(images, [-1, images.shape[3]]);
}

/** One value for each image, to broadcast to its pixels and channels. [n] -> [n, 1, 1, 1] */
export function perImage(values: Tensor1D): Tensor4D {
  return tf.reshape(values, [-1, 1, 1, 1]);
}

/** Pixel positions along an axis from the image's center. */
export function pixelGrid(side: number): number[] {
  return Array.from({ length: side }, (_, i) => i - (side - 1) / 2);
}

/** An integer reflected into 0...size - 1 without repeating the border. */
export function reflectedIndex(index: number, size: number): number {
  const last = size - 1;
  const wrap = ((index % (2 * last)) + 2 * last) % (2 * last);
  return last - Math.abs(last - wrap);
}
