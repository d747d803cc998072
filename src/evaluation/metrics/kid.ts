/**
 * The kernel distance (KID; Binkowski et al. 2018, "Demystifying MMD GANs", section 3): unbiased
 * squared MMD with a cubic polynomial kernel.
 */
import { RandomStream } from '../../core/random.js';
import { type FeatureMatrix, rowsAt } from './feature-matrix.js';
import type { PairMetric } from './metric.js';
import { forEachBlock } from './pairwise.js';

/** Number of subsets for the spread, and the size of the largest. */
const SUBSETS = 20;
const MAX_SUBSET = 1_000;
const SEED = 0;

export const kernelMetric: PairMetric<'' | 'spread'> = {
  kind: 'pair',
  minImages: 4,
  compare: async (synthetic, real, onStep) => ({
    '': await kernelDistance(synthetic, real, onStep),
    spread: await kernelSpread(synthetic, real, onStep),
  }),
};

/**
 * Standard deviation of the distance over random subsets of half of the smaller set, at most 1,000:
 * how much the distance depends on the choice of images.
 *
 * @throws RangeError for fewer than four images in either set
 */
export async function kernelSpread(
  a: FeatureMatrix,
  b: FeatureMatrix,
  onBlock?: () => void,
): Promise<number> {
  const size = Math.min(MAX_SUBSET, Math.floor(Math.min(a.rows, b.rows) / 2));
  const random = new RandomStream(SEED, 'subsets of images');
  const values: number[] = [];
  for (let i = 0; i < SUBSETS; i++) {
    const [x, y] = [a, b].map((set) => rowsAt(set, choose(set.rows, size, random)));
    values.push(await kernelDistance(x as FeatureMatrix, y as FeatureMatrix, onBlock));
  }
  const mean = values.reduce((sum, value) => sum + value, 0) / SUBSETS;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (SUBSETS - 1));
}

/** Different numbers below n, by the first steps of a Fisher-Yates shuffle. */
function choose(n: number, count: number, random: RandomStream): Int32Array {
  const order = Int32Array.from({ length: n }, (_, i) => i);
  for (let i = 0; i < count; i++) {
    const other = i + random.integer(n - i);
    [order[i], order[other]] = [order[other] as number, order[i] as number];
  }
  return order.subarray(0, count);
}

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
