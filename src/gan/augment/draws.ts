/** Random parameters of augmentations: a pure function of seed and image. */
import type { Tensor, Tensor1D } from '@tensorflow/tfjs';
import { statelessNormal, statelessUniform } from '../../nn/ops/random.js';
import { tf } from '../../nn/tensorflow.js';

/** Transformations that numbers are drawn for: each has its own gate and its own numbers. */
const USES = [
  'xflip',
  'rotate90',
  'xint',
  'scale',
  'preRotate',
  'aniso',
  'postRotate',
  'xfrac',
  'brightness',
  'contrast',
  'lumaflip',
  'hue',
  'saturation',
  'band0',
  'band1',
  'band2',
  'band3',
  'noise',
  'cutout',
] as const;
export type Use = (typeof USES)[number];

/** Streams of a phase's seed, above those of styles and layer noise. */
const STREAM = { uniform: 256, normal: 257, pixels: 258 } as const;

/** Numbers for each use: a gate and two uniform numbers, and two normal numbers. */
const UNIFORMS = 3;
const NORMALS = 2;

/** Parameters of `images` images. */
export class Draws {
  private readonly uniforms: Tensor;
  private readonly normals: Tensor;

  /**
   * @param seed int32 [2]
   * @param p scalar: the probability that a transformation is applied
   */
  constructor(
    private readonly seed: Tensor,
    readonly images: number,
    readonly p: Tensor,
  ) {
    this.uniforms = statelessUniform(seed, STREAM.uniform, [USES.length * UNIFORMS, images]);
    this.normals = statelessNormal(seed, STREAM.normal, [USES.length * NORMALS, images]);
  }

  /** 1 for images that are transformed, 0 for others; the probability is p unless given. [n] */
  gate(use: Use, probability: Tensor = this.p): Tensor1D {
    const chance = row(this.uniforms, USES.indexOf(use) * UNIFORMS);
    return tf.cast(tf.less(chance, probability), 'float32') as Tensor1D;
  }

  /** Uniform in [0, 1). [n] */
  uniform(use: Use, which: 0 | 1 = 0): Tensor1D {
    return row(this.uniforms, USES.indexOf(use) * UNIFORMS + 1 + which);
  }

  /** Standard normal. [n] */
  normal(use: Use, which: 0 | 1 = 0): Tensor1D {
    return row(this.normals, USES.indexOf(use) * NORMALS + which);
  }

  /** Standard normal for every pixel. */
  pixels(shape: readonly number[]): Tensor {
    return statelessNormal(this.seed, STREAM.pixels, shape);
  }

  /** 2^N(0, deviation^2) for images that are transformed, exactly 1 for others. [n] */
  factor(use: Use, deviation: number): Tensor1D {
    const exponent = tf.mul(this.gate(use), tf.mul(this.normal(use), deviation * Math.LN2));
    return tf.exp(exponent) as Tensor1D;
  }
}

function row(table: Tensor, index: number): Tensor1D {
  return tf.reshape(tf.slice(table, [index, 0], [1, -1]), [-1]);
}
