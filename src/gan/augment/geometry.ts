/** General geometric transformations, resampled between orthogonal low-pass filters. */
import type { Tensor, Tensor1D, Tensor4D } from '@tensorflow/tfjs';
import { alongHeight, type Band } from '../../nn/ops/banded.js';
import { gather, type GatherPlan } from '../../nn/ops/gather-scatter.js';
import { tf } from '../../nn/tensorflow.js';
import {
  type InverseMap,
  perImage,
  pixelTable,
  reflectedIndex,
  pixelRows,
  type Sources,
  sourcesOf,
  wrapped,
} from './coordinates.js';
import type { Draws } from './draws.js';
import type { AugmentationSet } from './sets.js';
import { centerOf, SYM6 } from './wavelets.js';

/** The transformation of each image about its center, in this order. Each [n]. */
export interface Geometry {
  /** Magnification. */
  scale: Tensor;
  /** Radians, clockwise. */
  preRotation: Tensor;
  /** Factor in width, and divisor in height. */
  stretch: Tensor;
  postRotation: Tensor;
  /** Pixels to the right and down. */
  shiftX: Tensor;
  shiftY: Tensor;
  /** 1 for images that are transformed, 0 for others. */
  active: Tensor1D;
}

export function hasGeometry(set: AugmentationSet): boolean {
  return [set.scale, set.rotate, set.aniso, set.xfrac].some((strength) => strength !== undefined);
}

/** Karras et al. 2020 (ADA), appendix B, figure "pseudocode", general geometric transformations. */
export function drawGeometry(set: AugmentationSet, draws: Draws, side: number): Geometry {
  const none = tf.zeros([draws.images]) as Tensor1D;
  const one = tf.add(none, 1);
  const gates: Tensor[] = [];
  const gated = <T extends Tensor>(gate: Tensor, value: T): T => {
    gates.push(gate);
    return value;
  };
  // At least one of the two rotations has the probability of one transformation.
  const half = tf.sub(1, tf.sqrt(tf.sub(1, tf.clipByValue(draws.p, 0, 1))));
  const angle = (use: 'preRotate' | 'postRotate') => {
    if (set.rotate === undefined) return none;
    const gate = draws.gate(use, half);
    const rotation = tf.mul(tf.sub(tf.mul(draws.uniform(use), 2), 1), Math.PI * set.rotate);
    return gated(gate, tf.mul(gate, rotation));
  };
  const factor = (use: 'scale' | 'aniso', deviation: number | undefined) =>
    deviation === undefined ? one : gated(draws.gate(use), draws.factor(use, deviation));
  const shift = (which: 0 | 1) => {
    if (set.xfrac === undefined) return none;
    const gate = draws.gate('xfrac');
    return gated(gate, tf.mul(gate, tf.mul(draws.normal('xfrac', which), set.xfrac * side)));
  };
  return {
    scale: factor('scale', set.scale),
    preRotation: angle('preRotate'),
    stretch: factor('aniso', set.aniso),
    postRotation: angle('postRotate'),
    shiftX: shift(0),
    shiftY: shift(1),
    active: gates.reduce((any, gate) => tf.maximum(any, gate), none) as Tensor1D,
  };
}

/**
 * Resamples images [n, side, side, c] with reflection padding: up by two with the sym6 filter,
 * bilinear interpolation, down by two with the same filter (its transpose, which inverts it
 * exactly). Images that are not active stay bit-exact.
 */
export function transform(images: Tensor4D, geometry: Geometry): Tensor4D {
  const [n, side, , channels] = images.shape;
  const period = 4 * (side - 1);
  const fine = resampleBothAxes(images, reflectingUpsampler(side));
  const plan = bilinearPlan(sourcesOf(swapAxes(inverseMap(geometry)), downsamplingGrid(side)), side);
  const targets = 2 * side + SYM6.length - 2;
  const table = pixelTable(tf.reshape(fine, [n, period, period, channels]));
  const moved = tf.reshape(gather(table, plan), [n, targets, targets, channels]) as Tensor4D;
  const result = resampleBothAxes(moved, downsampler(side));
  const active = perImage(geometry.active);
  return tf.add(tf.mul(result, active), tf.mul(images, tf.sub(1, active)));
}

/** The inverse of shift * postRotation * stretch * preRotation * scale. */
function inverseMap({ scale, preRotation, stretch, postRotation, shiftX, shiftY }: Geometry): InverseMap {
  const [c1, s1] = [tf.cos(preRotation), tf.sin(preRotation)];
  const [c2, s2] = [tf.cos(postRotation), tf.sin(postRotation)];
  const width = tf.div(1, tf.mul(stretch, scale));
  const height = tf.div(stretch, scale);
  // Rotation by -preRotation, diagonal (width, height), rotation by -postRotation; terms of
  // different axes share their products.
  const term = (a: Tensor, factor: Tensor, b: Tensor) => tf.mul(tf.mul(a, factor), b);
  return {
    xx: tf.sub(term(c1, width, c2), term(s1, height, s2)),
    xy: tf.add(term(c1, width, s2), term(s1, height, c2)),
    yx: tf.neg(tf.add(term(s1, width, c2), term(c1, height, s2))),
    yy: tf.sub(term(c1, height, c2), term(s1, width, s2)),
    shiftX,
    shiftY,
  };
}

/** The same map for images with height and width swapped. */
function swapAxes({ xx, xy, yx, yy, shiftX, shiftY }: InverseMap): InverseMap {
  return { xx: yy, xy: yx, yx: xy, yy: xx, shiftX: shiftY, shiftY: shiftX };
}

/** Delay of the filter: sample j of the fine grid is at pixel (j - DELAY) / 2. */
const DELAY = centerOf(SYM6);

/** Positions, from the image's center, of the fine samples that downsampling needs. */
function downsamplingGrid(side: number): number[] {
  const count = 2 * side + SYM6.length - 2;
  return Array.from({ length: count }, (_, j) => (j - DELAY) / 2 - (side - 1) / 2);
}

/** Rows and weights of the four fine samples around each source. */
function bilinearPlan({ x, y }: Sources, side: number): GatherPlan {
  const period = 4 * (side - 1);
  const fine = (source: Tensor) => tf.add(tf.mul(source, 2), side - 1 + DELAY);
  const along = (source: Tensor) => {
    const position = fine(source);
    const before = tf.floor(position);
    const fraction = tf.sub(position, before);
    return [
      { index: wrapped(before, period), weight: tf.sub(1, fraction) },
      { index: wrapped(tf.add(before, 1), period), weight: fraction },
    ];
  };
  const columns = along(x);
  const rows = along(y);
  const corners = rows.flatMap((row) => columns.map((column) => ({ row, column })));
  return {
    indices: tf.concat(
      corners.map(({ row, column }) => pixelRows(column.index, row.index, period)),
      0,
    ),
    weights: tf.stack(
      corners.map(({ row, column }) => tf.reshape(tf.mul(row.weight, column.weight), [-1, 1])),
      0,
    ),
  };
}

/**
 * Multiplies both axes by a matrix. The result has height and width swapped, because swapping them
 * back is slow for large images.
 */
function resampleBothAxes(images: Tensor4D, matrix: Band): Tensor4D {
  return alongHeight(tf.transpose(alongHeight(images, matrix), [0, 2, 1, 3]), matrix);
}

/**
 * One period of a reflected signal, upsampled: sample j is the sum over taps k of SYM6[k] *
 * signal[(j - k) / 2].
 */
function reflectingUpsampler(side: number): Band {
  const period = 4 * (side - 1);
  const values = new Float32Array(period * side);
  for (let j = 0; j < period; j++) {
    SYM6.forEach((tap, k) => {
      if ((j - k) % 2 !== 0) return;
      const at = j * side + reflectedIndex((j - k) / 2, side);
      values[at] = (values[at] as number) + tap;
    });
  }
  return { outputs: period, inputs: side, values };
}

/** Pixel i is the sum over taps k of SYM6[k] * fine[2 i + k]. */
function downsampler(side: number): Band {
  const inputs = 2 * side + SYM6.length - 2;
  const values = new Float32Array(side * inputs);
  for (let i = 0; i < side; i++) {
    SYM6.forEach((tap, k) => {
      values[i * inputs + 2 * i + k] = tap;
    });
  }
  return { outputs: side, inputs, values };
}
