/** Scalar products of all pairs of rows of two feature matrices, block by block on native TensorFlow. */
import { tf } from '../../nn/tensorflow.js';
import type { FeatureMatrix } from './feature-matrix.js';

/** Products of rows `row`... of a with rows `column`... of b. */
export interface ProductBlock {
  row: number;
  rows: number;
  column: number;
  columns: number;
  /** [rows, columns] */
  products: Float32Array;
}

const BLOCK = 2048;

/** float32 products; blocks come row by row, left to right. */
export function forEachBlock(a: FeatureMatrix, b: FeatureMatrix, visit: (block: ProductBlock) => void): void {
  for (let row = 0; row < a.rows; row += BLOCK) {
    const rows = Math.min(BLOCK, a.rows - row);
    for (let column = 0; column < b.rows; column += BLOCK) {
      const columns = Math.min(BLOCK, b.rows - column);
      const products = tf.tidy(() =>
        tf.matMul(slice(a, row, rows), slice(b, column, columns), false, true).dataSync<'float32'>(),
      );
      visit({ row, rows, column, columns, products });
    }
  }
}

function slice({ columns, data }: FeatureMatrix, first: number, rows: number) {
  return tf.tensor2d(Float32Array.from(data.subarray(first * columns, (first + rows) * columns)), [
    rows,
    columns,
  ]);
}
