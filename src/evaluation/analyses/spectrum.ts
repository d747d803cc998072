/** Two-dimensional Fourier transforms of square images as products of matrices on TensorFlow. */
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs';
import { tf } from '../../nn/tensorflow.js';

/** Real and imaginary part: [images, side, side] each. */
export interface Spectra {
  real: Tensor3D;
  imaginary: Tensor3D;
}

/** cos and -sin of 2 pi u x / side: [side, side] each. */
function bases(side: number): { cos: Tensor2D; sin: Tensor2D } {
  const angles = (part: (angle: number) => number) =>
    tf.tensor2d(
      Float32Array.from({ length: side * side }, (_, i) =>
        part((2 * Math.PI * ((Math.floor(i / side) * (i % side)) % side)) / side),
      ),
      [side, side],
    );
  return { cos: angles(Math.cos), sin: angles((angle) => -Math.sin(angle)) };
}

/** Multiplies all rows by a symmetric matrix. */
function rowsBy(images: Tensor3D, matrix: Tensor2D): Tensor3D {
  const [n, side] = images.shape;
  return tf.reshape(tf.matMul(tf.reshape(images, [n * side, side]) as Tensor2D, matrix), [n, side, side]);
}

function both(images: Tensor3D, inner: Tensor2D, outer: Tensor2D): Tensor3D {
  const swapped = tf.transpose(rowsBy(images, inner), [0, 2, 1]) as Tensor3D;
  return tf.transpose(rowsBy(swapped, outer), [0, 2, 1]) as Tensor3D;
}

/** Transforms of real images [images, side, side]. */
export function transform(images: Tensor3D): Spectra {
  const { cos, sin } = bases(images.shape[1]);
  return {
    real: tf.sub(both(images, cos, cos), both(images, sin, sin)) as Tensor3D,
    imaginary: tf.add(both(images, cos, sin), both(images, sin, cos)) as Tensor3D,
  };
}

/** Frequency in cycles per pixel of each place of a transform, 0...0.71: [side, side]. */
export function frequencies(side: number): Float32Array {
  const at = (i: number) => Math.min(i, side - i) / side;
  return Float32Array.from({ length: side * side }, (_, i) =>
    Math.hypot(at(Math.floor(i / side)), at(i % side)),
  );
}
