/** The kernel distance (Binkowski et al. 2018, "Demystifying MMD GANs", section 3): unbiased squared MMD, cubic polynomial kernel. */
import type { FeatureMatrix } from './feature-matrix.js';
import { forEachBlock } from './pairwise.js';

/**
 * Over all samples at once, not over subsets; may be slightly negative for equal distributions.
 *
 * @throws RangeError for fewer than two images in either set
 */
export function kernelDistance(a: FeatureMatrix, b: FeatureMatrix): number {
  if (a.rows < 2 || b.rows < 2) throw new RangeError('the kernel distance needs two images in each set');
  const within = (set: FeatureMatrix) => kernelSum(set, set, true) / (set.rows * (set.rows - 1));
  return within(a) + within(b) - (2 * kernelSum(a, b, false)) / (a.rows * b.rows);
}

/** Sum of (x.y / d + 1)^3 over all pairs; the diagonal, an image with itself, is left out where wanted. */
function kernelSum(a: FeatureMatrix, b: FeatureMatrix, withoutDiagonal: boolean): number {
  let sum = 0;
  forEachBlock(a, b, ({ row, rows, column, columns, products }) => {
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        if (withoutDiagonal && row + i === column + j) continue;
        const base = (products[i * columns + j] as number) / a.columns + 1;
        sum += base * base * base;
      }
    }
  });
  return sum;
}
