/**
 * Weighted sums of rows of a table, and their transpose: each is linear, and the gradient of the
 * other.
 */
import type { Tensor, Tensor2D } from '@tensorflow/tfjs';
import { type AttributeValue, nativeOp } from './native-op.js';
import { tf } from '../tensorflow.js';
import { customGradient } from './custom-gradient.js';

/** Which rows are summed. Constant: nothing is differentiated by it. */
export interface Places {
  /** int32 [k, m]: k rows for each of m sums, 0...rows - 1. */
  indices: Tensor;
  /** float32 [k, m, 1]; null where k is 1 and rows are copied. */
  weights: Tensor | null;
}

const INDEX: AttributeValue = ['type', 'int32'];
const FLOAT: AttributeValue = ['type', 'float32'];

/**
 * table [rows, c] -> [m, c]: the sum over k of weights[k, m] * table[indices[k, m]]. Differentiable
 * any number of times.
 */
export function lookup(table: Tensor2D, places: Places): Tensor2D {
  const [rows] = table.shape;
  return customGradient(
    { table, ...kept(places) },
    () => gather(table, places),
    (dy) => ({ table: () => spread(dy as Tensor2D, places, rows) }),
  ) as Tensor2D;
}

/**
 * The transpose of {@link lookup}: y [m, c] -> [rows, c], where row r has the sum of all weights *
 * y that were taken from it.
 */
export function spread(y: Tensor2D, places: Places, rows: number): Tensor2D {
  return customGradient(
    { y, ...kept(places) },
    () => scatter(y, places, rows),
    (dtable) => ({ y: () => lookup(dtable as Tensor2D, places) }),
  ) as Tensor2D;
}

/** As inputs of an operation the places live as long as its gradient may be asked for. */
function kept({ indices, weights }: Places): Record<string, Tensor> {
  return weights ? { indices, weights } : { indices };
}

function gather(table: Tensor2D, { indices, weights }: Places): Tensor {
  const attributes: Record<string, AttributeValue> = {
    Tparams: FLOAT,
    Tindices: INDEX,
    Taxis: INDEX,
    batch_dims: ['int', 0],
  };
  const rows = nativeOp('GatherV2', attributes, [table, indices, tf.scalar(0, 'int32')]);
  return tf.sum(weights ? tf.mul(rows, weights) : rows, 0);
}

function scatter(y: Tensor2D, { indices, weights }: Places, rows: number): Tensor {
  const single = tf.reshape(y, [1, ...y.shape]);
  const parts = weights ? tf.mul(single, weights) : single;
  return nativeOp('UnsortedSegmentSum', { T: FLOAT, Tindices: INDEX, Tnumsegments: INDEX }, [
    parts,
    indices,
    tf.scalar(rows, 'int32'),
  ]);
}
