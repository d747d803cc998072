/** Pixel blitting: flips, quarter turns and whole-pixel translations, which copy pixels and compute none. */
import type { Tensor, Tensor4D } from '@tensorflow/tfjs';
import { lookup } from '../../nn/ops/gather-scatter.js';
import { tf } from '../../nn/tensorflow.js';
import { type InverseMap, pixelGrid, pixelTable, reflected, rowsOf, sourcesOf } from './coordinates.js';
import type { Draws } from './draws.js';
import type { AugmentationSet } from './sets.js';

/** What is done to each image. Each [n]. */
export interface Blit {
  /** 1 as it is, -1 flipped left-right. First. */
  flip: Tensor;
  /** Quarter turns, 0...3, counter-clockwise as seen. Second. */
  turns: Tensor;
  /** Pixels to the right and down. Last. */
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
    flip: set.xflip === undefined ? tf.add(none, 1) : tf.sub(1, tf.mul(whole(draws, 'xflip', 2), 2)),
    turns: set.rotate90 === undefined ? none : whole(draws, 'rotate90', 4),
    shiftX: shift(0),
    shiftY: shift(1),
  };
}

/** 0...count - 1, equally likely; 0 for images to which it is not done. */
function whole(draws: Draws, use: 'xflip' | 'rotate90', count: number): Tensor {
  return tf.mul(draws.gate(use), tf.floor(tf.mul(draws.uniform(use), count)));
}

/** Copies pixels; outside of its border an image goes on as its reflection. images [n, side, side, c] */
export function blit(images: Tensor4D, { flip, turns, shiftX, shiftY }: Blit): Tensor4D {
  const side = images.shape[1];
  const angle = tf.mul(turns, Math.PI / 2);
  const [cos, sin] = [tf.round(tf.cos(angle)), tf.round(tf.sin(angle))];
  // Turned back, then flipped back.
  const map: InverseMap = {
    xx: tf.mul(flip, cos),
    xy: tf.neg(tf.mul(flip, sin)),
    yx: sin,
    yy: cos,
    shiftX,
    shiftY,
  };
  const { x, y } = sourcesOf(map, pixelGrid(side));
  const centre = (side - 1) / 2;
  const pixel = (source: Tensor) => reflected(tf.round(tf.add(source, centre)), side);
  const indices = rowsOf(pixel(x), pixel(y), side);
  return tf.reshape(lookup(pixelTable(images), { indices, weights: null }), images.shape);
}
