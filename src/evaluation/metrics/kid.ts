/**
 * The kernel distance (KID; Binkowski et al. 2018, "Demystifying MMD GANs", section 3): unbiased
 * squared MMD with a cubic polynomial kernel.
 */
import type { FeatureMatrix } from './feature-matrix.js';
import type { Metric } from './metric.js';
import { forEachBlock } from './pairwise.js';

export const kernelMetric: Metric<''> = {
  minImages: 2,
  compare: async (synthetic, real, onStep) => ({ '': await kernelDistance(synthetic, real, onStep) }),
};

/**
 * Computes the distance over all samples, not over subsets. It may be slightly negative for equal
 * distributions.
 *
 * @throws RangeError for fewer than two images in either set
 */
export async function kernelDistance(
  a: FeatureMatrix,
  b: FeatureMatrix,
  onBlock?: () => void,
): Promise<number> {
  if (a.rows < 2 || b.rows < 2) throw new RangeError('the kernel distance needs two images in each set');
  const [inA, inB] = [await meanWithin(a, onBlock), await meanWithin(b, onBlock)];
  return inA + inB - 2 * (await meanAcross(a, b, onBlock));
}

/** Mean of the kernel over all pairs of two sets. */
async function meanAcross(a: FeatureMatrix, b: FeatureMatrix, onBlock?: () => void): Promise<number> {
  let sum = 0;
  await forEachBlock(a, b, { onBlock }, ({ products }) => {
    for (let i = 0; i < products.length; i++) sum += kernel(products[i] as number, a.columns);
  });
  return sum / (a.rows * b.rows);
}

/** Mean of the kernel over all pairs of different images of one set. */
async function meanWithin(set: FeatureMatrix, onBlock?: () => void): Promise<number> {
  let sum = 0;
  await forEachBlock(set, set, { upperOnly: true, onBlock }, ({ row, column, rows, columns, products }) => {
    for (let i = 0; i < rows; i++) {
      for (let j = row === column ? i + 1 : 0; j < columns; j++) {
        sum += 2 * kernel(products[i * columns + j] as number, set.columns);
      }
    }
  });
  return sum / (set.rows * (set.rows - 1));
}

function kernel(product: number, features: number): number {
  const base = product / features + 1;
  return base * base * base;
}
