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

export interface PairOptions {
  /** Leaves out blocks left of the diagonal; for the pairs of one set, which come twice otherwise. */
  upperOnly?: boolean;
  /** Called after every block: large sets take minutes, and somebody may want to hear that work goes on. */
  onBlock?: () => void;
}

/** float32 products; blocks come row by row, left to right, and others have their turn between them. */
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
