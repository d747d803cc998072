/** Products of banded matrices with the columns or rows of images: resampling along one axis. */
import type { Tensor3D, Tensor4D } from '@tensorflow/tfjs';
import { tf } from '../tensorflow.js';
import { type DeviceForm, deviceForm } from './device-forms.js';
import { customGradient } from './custom-gradient.js';

/** A dense [outputs, inputs] matrix that is zero outside of its band. */
export interface Band {
  outputs: number;
  inputs: number;
  values: Float32Array;
}

function transposed({ outputs, inputs, values }: Band): Band {
  const flipped = new Float32Array(values.length);
  for (let i = 0; i < outputs; i++)
    for (let j = 0; j < inputs; j++) flipped[j * outputs + i] = values[i * inputs + j] as number;
  return { outputs: inputs, inputs: outputs, values: flipped };
}

/** Multiplies each column of each image by the matrix. x [n, inputs, w, c] -> [n, outputs, w, c] */
export function alongHeight(x: Tensor4D, matrix: Band): Tensor4D {
  const [n, , width, c] = x.shape;
  const rows: Tensor3D = tf.reshape(x, [n, matrix.inputs, width * c]);
  return tf.reshape(apply(matrix, rows), [n, matrix.outputs, width, c]);
}

/** Multiplies each row of each image by the matrix. x [n, h, inputs, c] -> [n, h, outputs, c] */
export function alongWidth(x: Tensor4D, matrix: Band): Tensor4D {
  const [n, height, , c] = x.shape;
  const rows: Tensor3D = tf.reshape(x, [n * height, matrix.inputs, c]);
  return tf.reshape(apply(matrix, rows), [n, height, matrix.outputs, c]);
}

/**
 * matrix [outputs, inputs] times x [n, inputs, m]; the matrix is constant, so the gradient is its
 * transpose.
 */
function apply(matrix: Band, x: Tensor3D): Tensor3D {
  return customGradient(
    { x },
    () => (matrix.outputs > DENSE_OUTPUTS[deviceForm()] ? inBlocks(matrix, x) : multiply(matrix, x)),
    (dy) => ({ x: () => apply(transposed(matrix), dy as Tensor3D) }),
  ) as Tensor3D;
}

/** Above this number of outputs, products in blocks are faster than one with all the zeros. */
const DENSE_OUTPUTS: Record<DeviceForm, number> = { cpu: 128, gpu: 640 };
const BLOCK = 64;

function multiply({ outputs, inputs, values }: Band, x: Tensor3D): Tensor3D {
  const a = tf.tensor3d(values, [1, outputs, inputs]);
  const attributes = { transposeA: false, transposeB: false };
  return tf.engine().runKernel('BatchMatMul', { a, b: x }, attributes) as Tensor3D;
}

/** Computes blocks of outputs, each from the inputs that its part of the band covers. */
function inBlocks(matrix: Band, x: Tensor3D): Tensor3D {
  const [n, , m] = x.shape;
  const blocks: Tensor3D[] = [];
  for (let first = 0; first < matrix.outputs; first += BLOCK) {
    const outputs = Math.min(BLOCK, matrix.outputs - first);
    const { from, to } = reach(matrix, first, outputs);
    const values = new Float32Array(outputs * (to - from));
    for (let i = 0; i < outputs; i++) {
      const row = (first + i) * matrix.inputs;
      values.set(matrix.values.subarray(row + from, row + to), i * (to - from));
    }
    const part = tf.slice3d(x, [0, from, 0], [n, to - from, m]);
    blocks.push(multiply({ outputs, inputs: to - from, values }, part));
  }
  return tf.concat3d(blocks, 1);
}

/** The range of columns in which the rows are not zero; at least one column. */
function reach({ inputs, values }: Band, first: number, rows: number): { from: number; to: number } {
  let [from, to] = [inputs - 1, 0];
  for (let i = first; i < first + rows; i++)
    for (let j = 0; j < inputs; j++) {
      if (values[i * inputs + j] === 0) continue;
      from = Math.min(from, j);
      to = Math.max(to, j + 1);
    }
  return { from, to: Math.max(to, from + 1) };
}
