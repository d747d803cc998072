/** Pixel blitting: flips, quarter rotations and whole-pixel translations, which copy pixels. */
import type { Tensor, Tensor4D } from '@tensorflow/tfjs';
import { gather } from '../../nn/ops/gather-scatter.js';
import { tf } from '../../nn/tensorflow.js';
import { type InverseMap, pixelGrid, pixelTable, reflected, pixelRows, sourcesOf } from './coordinates.js';
import type { Draws } from './draws.js';
import type { AugmentationSet } from './sets.js';

/** The transformation of each image. Each [n]. */
export interface Blit {
  /** First: 1 to keep it, -1 to flip it left-right. */
  flip: Tensor;
  /** Second: quarter rotations, 0...3, counter-clockwise. */
  rotations: Tensor;
  /** Last: pixels to the right and down. */
  shiftX: Tensor;
  shiftY: Tensor;
}

export function hasBlit(set: AugmentationSet): boolean {
  return set.xflip !== undefined || set.rotate90 !== undefined || set.xint !== undefined;
}

/** Karras et al. 2020 (ADA), appendix B, figure "pseudocode", pixel blitting. */
export function drawBlit(set: AugmentationSet, draws: Draws, side: number): Blit {
  const none = tf.zeros([draws.images]);
  const shift = (which: 0 | 1) =>
    set.xint === undefined
      ? none
      : tf.mul(
          draws.gate('xint'),
          tf.round(tf.mul(tf.sub(tf.mul(draws.uniform('xint', which), 2), 1), set.xint * side)),
        );
  return {
    flip: set.xflip === undefined ? tf.add(none, 1) : tf.sub(1, tf.mul(drawInteger(draws, 'xflip', 2), 2)),
    rotations: set.rotate90 === undefined ? none : drawInteger(draws, 'rotate90', 4),
    shiftX: shift(0),
    shiftY: shift(1),
  };
}

/** 0...count - 1, equally likely; 0 for images that are not transformed. */
function drawInteger(draws: Draws, use: 'xflip' | 'rotate90', count: number): Tensor {
  return tf.mul(draws.gate(use), tf.floor(tf.mul(draws.uniform(use), count)));
}

/**
 * Copies pixels, with reflection padding. images [n, side, side, c]
 */
export function blit(images: Tensor4D, { flip, rotations, shiftX, shiftY }: Blit): Tensor4D {
  const side = images.shape[1];
  const angle = tf.mul(rotations, Math.PI / 2);
  const [cos, sin] = [tf.round(tf.cos(angle)), tf.round(tf.sin(angle))];
  // The inverse rotation, then the inverse flip.
  const map: InverseMap = {
    xx: tf.mul(flip, cos),
    xy: tf.neg(tf.mul(flip, sin)),
    yx: sin,
    yy: cos,
    shiftX,
    shiftY,
  };
  const { x, y } = sourcesOf(map, pixelGrid(side));
  const center = (side - 1) / 2;
  const sourcePixel = (source: Tensor) => reflected(tf.round(tf.add(source, center)), side);
  const indices = pixelRows(sourcePixel(x), sourcePixel(y), side);
  return tf.reshape(gather(pixelTable(images), { indices, weights: null }), images.shape);
}
