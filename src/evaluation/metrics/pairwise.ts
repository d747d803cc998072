/**
 * Dot products of all pairs of rows of two feature matrices, block by block on native TensorFlow.
 */
import { tf } from '../../nn/tensorflow.js';
import type { FeatureMatrix } from './feature-matrix.js';

/** Products of `rows` rows of a, from `row`, with `columns` rows of b, from `column`. */
export interface ProductBlock {
  row: number;
  rows: number;
  column: number;
  columns: number;
  /** [rows, columns] */
  products: Float32Array;
}

const BLOCK = 2048;

export interface PairOptions {
  /** Skips blocks left of the diagonal, so that pairs within one set are not visited twice. */
  upperOnly?: boolean;
  /** Called after each block, to report progress: large sets take minutes. */
  onBlock?: () => void;
}

/**
 * Visits the float32 products block by block: row by row, left to right. Yields to the event loop
 * after each block.
 */
export async function forEachBlock(
  a: FeatureMatrix,
  b: FeatureMatrix,
  { upperOnly = false, onBlock }: PairOptions,
  visit: (block: ProductBlock) => void,
): Promise<void> {
  for (let row = 0; row < a.rows; row += BLOCK) {
    const rows = Math.min(BLOCK, a.rows - row);
    for (let column = upperOnly ? row : 0; column < b.rows; column += BLOCK) {
      const columns = Math.min(BLOCK, b.rows - column);
      const [left, right] = [slice(a, row, rows), slice(b, column, columns)];
      const product = tf.matMul(left, right, false, true);
      visit({ row, rows, column, columns, products: product.dataSync<'float32'>() });
      tf.dispose([left, right, product]);
      onBlock?.();
      await new Promise(setImmediate);
    }
  }
}

function slice({ columns, data }: FeatureMatrix, first: number, rows: number) {
  return tf.tensor2d(Float32Array.from(data.subarray(first * columns, (first + rows) * columns)), [
    rows,
    columns,
  ]);
}
