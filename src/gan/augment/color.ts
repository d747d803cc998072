/** Color transformations: affine maps of a pixel's channels. */
import type { Tensor, Tensor1D, Tensor3D, Tensor4D } from '@tensorflow/tfjs';
import { tf } from '../../nn/tensorflow.js';
import { perImage } from './coordinates.js';
import type { Draws } from './draws.js';
import type { AugmentationSet } from './sets.js';

/** The transformation of each image, in this order. Each [n]. */
export interface Color {
  /** Added to every channel. */
  brightness: Tensor1D;
  /** Factor of every channel. */
  contrast: Tensor1D;
  /** 1 to keep the luma, -1 to negate it. */
  luma: Tensor1D;
  /** Radians about the luma axis. */
  hue: Tensor1D;
  /** Factor of the chroma, the part orthogonal to the luma axis. */
  saturation: Tensor1D;
}

export function hasColor(set: AugmentationSet): boolean {
  const { brightness, contrast, lumaflip, hue, saturation } = set;
  return [brightness, contrast, lumaflip, hue, saturation].some((strength) => strength !== undefined);
}

/** Karras et al. 2020 (ADA), appendix B, figure "pseudocode", color transformations. */
export function drawColor(set: AugmentationSet, draws: Draws): Color {
  const none = tf.zeros([draws.images]) as Tensor1D;
  const one = tf.add(none, 1) as Tensor1D;
  const { brightness, contrast, lumaflip, hue, saturation } = set;
  return {
    brightness:
      brightness === undefined
        ? none
        : tf.mul(draws.gate('brightness'), tf.mul(draws.normal('brightness'), brightness)),
    contrast: contrast === undefined ? one : draws.factor('contrast', contrast),
    luma:
      lumaflip === undefined
        ? one
        : tf.sub(
            1,
            tf.mul(draws.gate('lumaflip'), tf.mul(2, tf.floor(tf.mul(draws.uniform('lumaflip'), 2)))),
          ),
    hue:
      hue === undefined
        ? none
        : tf.mul(draws.gate('hue'), tf.mul(tf.sub(tf.mul(draws.uniform('hue'), 2), 1), Math.PI * hue)),
    saturation: saturation === undefined ? one : draws.factor('saturation', saturation),
  };
}

/** images [n, h, w, 1 or 3]. Hue and saturation do not change gray images. */
export function recolor(images: Tensor4D, color: Color): Tensor4D {
  const brighter = tf.add(images, perImage(color.brightness));
  if (images.shape[3] === 1) return tf.mul(brighter, perImage(tf.mul(color.contrast, color.luma)));
  const [n, height, width] = images.shape;
  const pixels: Tensor3D = tf.reshape(brighter, [n, height * width, 3]);
  return tf.reshape(tf.matMul(pixels, channelMatrices(color), false, true), images.shape) as Tensor4D;
}

/**
 * contrast * saturation * hue * luma as matrices [n, 3, 3]. All four preserve the luma axis v = (1,
 * 1, 1) / sqrt(3) and the plane orthogonal to it: the projection on v is multiplied by the sign of
 * the luma, the rest is rotated and multiplied by the saturation (Rodrigues' formula).
 */
function channelMatrices({ contrast, luma, hue, saturation }: Color): Tensor3D {
  const onAxis = tf.tensor3d(
    [1, 1, 1, 1, 1, 1, 1, 1, 1].map((one) => one / 3),
    [1, 3, 3],
  );
  const rotated = tf.tensor3d(
    [0, -1, 1, 1, 0, -1, -1, 1, 0].map((one) => one / Math.sqrt(3)),
    [1, 3, 3],
  );
  const cosine = tf.mul(saturation, tf.cos(hue));
  const sine = tf.mul(saturation, tf.sin(hue));
  const perMatrix = (factor: Tensor) => tf.reshape(factor, [-1, 1, 1]);
  const matrix = tf.add(
    tf.mul(perMatrix(cosine), tf.reshape(tf.eye(3), [1, 3, 3])),
    tf.add(tf.mul(perMatrix(tf.sub(luma, cosine)), onAxis), tf.mul(perMatrix(sine), rotated)),
  );
  return tf.mul(perMatrix(contrast), matrix);
}
