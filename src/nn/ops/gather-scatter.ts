/**
 * Gather: weighted sums of rows of a table. Scatter: its transpose. Each is linear, and the
 * gradient of the other.
 */
import type { Tensor, Tensor2D } from '@tensorflow/tfjs';
import { type AttributeValue, nativeOp } from './native-op.js';
import { tf } from '../tensorflow.js';
import { customGradient } from './custom-gradient.js';

/** Which rows are summed. It is constant: it has no gradient. */
export interface GatherPlan {
  /** int32 [k, m]: k rows for each of m sums, 0...rows - 1. */
  indices: Tensor;
  /** float32 [k, m, 1]; null if k is 1 and rows are copied. */
  weights: Tensor | null;
}

const INDEX: AttributeValue = ['type', 'int32'];
const FLOAT: AttributeValue = ['type', 'float32'];

/**
 * table [rows, c] -> [m, c]: the sum over k of weights[k, m] * table[indices[k, m]]. Differentiable
 * any number of times.
 */
export function gather(table: Tensor2D, plan: GatherPlan): Tensor2D {
  const [rows] = table.shape;
  return customGradient(
    { table, ...tensorsOf(plan) },
    () => weightedRows(table, plan),
    (dy) => ({ table: () => scatter(dy as Tensor2D, plan, rows) }),
  ) as Tensor2D;
}

/**
 * The transpose of {@link gather}: y [m, c] -> [rows, c], where row r is the sum of weights * y
 * over the entries whose index is r.
 */
export function scatter(y: Tensor2D, plan: GatherPlan, rows: number): Tensor2D {
  return customGradient(
    { y, ...tensorsOf(plan) },
    () => segmentSums(y, plan, rows),
    (dtable) => ({ y: () => gather(dtable as Tensor2D, plan) }),
  ) as Tensor2D;
}

/** Passed as inputs of an operation, so that they are kept until its gradient is computed. */
function tensorsOf({ indices, weights }: GatherPlan): Record<string, Tensor> {
  return weights ? { indices, weights } : { indices };
}

function weightedRows(table: Tensor2D, { indices, weights }: GatherPlan): Tensor {
  const attributes: Record<string, AttributeValue> = {
    Tparams: FLOAT,
    Tindices: INDEX,
    Taxis: INDEX,
    batch_dims: ['int', 0],
  };
  const rows = nativeOp('GatherV2', attributes, [table, indices, tf.scalar(0, 'int32')]);
  return tf.sum(weights ? tf.mul(rows, weights) : rows, 0);
}

function segmentSums(y: Tensor2D, { indices, weights }: GatherPlan, rows: number): Tensor {
  const single = tf.reshape(y, [1, ...y.shape]);
  const parts = weights ? tf.mul(single, weights) : single;
  return nativeOp('UnsortedSegmentSum', { T: FLOAT, Tindices: INDEX, Tnumsegments: INDEX }, [
    parts,
    indices,
    tf.scalar(rows, 'int32'),
  ]);
}
