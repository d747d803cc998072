/** Downsampling without a filter. */
import type { Tensor4D } from '@tensorflow/tfjs';
import { tf } from '../tensorflow.js';

/**
 * Keeps every `vertical`-th row and every `horizontal`-th column, from the first on. [n, h, w, c]
 * -> [n, ceil(h / vertical), ceil(w / horizontal), c]
 */
export function decimate(x: Tensor4D, [vertical, horizontal]: readonly [number, number]): Tensor4D {
  if (vertical === 1 && horizontal === 1) return x;
  return tf.stridedSlice(x, [0, 0, 0, 0], x.shape, [1, vertical, horizontal, 1]) as Tensor4D;
}
