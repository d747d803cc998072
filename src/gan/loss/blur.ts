/** Blurs images at the start of a StyleGAN3-r training. Karras et al. 2021, appendix D.1. */
import type { Tensor, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs';
import { customGradient } from '../../nn/ops/custom-gradient.js';
import { tf } from '../../nn/tensorflow.js';

/**
 * The blur hides fine detail from the discriminator until the generator has learned the coarse
 * structure.
 */
export interface BlurOptions {
  /** Standard deviation at the start, in pixels. */
  readonly sigma: number;
  /** It decreases linearly to 0 over this many kimg. */
  readonly fadeKimg: number;
}

/** Radius of the kernel, in standard deviations. */
const RADIUS = 3;

/**
 * The blur along one axis after `images` real images: [resolution, resolution], row by row; the
 * identity after it has faded.
 */
export function blurMatrix(
  resolution: number,
  { sigma, fadeKimg }: BlurOptions,
  images: number,
): Float32Array {
  const now = sigma * Math.max(0, 1 - images / (fadeKimg * 1000));
  const radius = Math.floor(now * RADIUS);
  // 2^-(x / sigma)^2, as published.
  const kernel = Array.from({ length: 2 * radius + 1 }, (_, k) =>
    radius === 0 ? 1 : 2 ** -(((k - radius) / now) ** 2),
  );
  const sum = kernel.reduce((total, value) => total + value, 0);
  const matrix = new Float32Array(resolution * resolution);
  for (let row = 0; row < resolution; row++)
    for (const [k, value] of kernel.entries()) {
      const column = row + k - radius;
      if (column >= 0 && column < resolution) matrix[row * resolution + column] = value / sum;
    }
  return matrix;
}

/** images [n, h, h, c] blurred along both axes by matrix [h, h]. */
export function blur(images: Tensor4D, matrix: Tensor2D): Tensor4D {
  const [n, height, width, c] = images.shape;
  const columns = apply(matrix, tf.reshape(images, [n * height, width, c]), false);
  const rows = apply(matrix, tf.reshape(columns, [n, height, width * c]), false);
  return tf.reshape(rows, images.shape);
}

/**
 * The matrix, or its transpose, times each of x [m, h, k]. Differentiable in x, any number of
 * times.
 */
function apply(matrix: Tensor2D, x: Tensor3D, isTransposed: boolean): Tensor3D {
  return customGradient(
    { x },
    () => {
      const inputs = { a: tf.expandDims(matrix, 0), b: x as Tensor };
      const attributes = { transposeA: isTransposed, transposeB: false };
      return tf.engine().runKernel('BatchMatMul', inputs, attributes) as Tensor;
    },
    (dy) => ({ x: () => apply(matrix, dy as Tensor3D, !isTransposed) }),
  ) as Tensor3D;
}
