/**
 * The kernel distance (KID; Binkowski et al. 2018, "Demystifying MMD GANs", section 3): unbiased
 * squared MMD with a cubic polynomial kernel.
 */
import { RandomStream } from '../../core/random.js';
import { PairCache } from '../once.js';
import { type FeatureMatrix, rowsAt } from './feature-matrix.js';
import { jackknifeVariance, normalInterval } from './intervals.js';
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
    '': distanceOf(await cachedSums(synthetic, real, onStep)),
    spread: await kernelSpread(synthetic, real, onStep),
  }),
  async intervals(synthetic, real, onStep) {
    const value = distanceOf(await cachedSums(synthetic, real, onStep));
    return { '': normalInterval(value, await kernelError(synthetic, real, onStep)) };
  },
};

/** Standard error of the distance: the jackknife of both sets (Arvesen 1969, section 2). */
export async function kernelError(a: FeatureMatrix, b: FeatureMatrix, onBlock?: () => void): Promise<number> {
  const sums = await cachedSums(a, b, onBlock);
  return Math.sqrt(jackknifeVariance(withoutEach(sums)) + jackknifeVariance(withoutEach(swapped(sums))));
}

/**
 * Sums of the kernel by image: with the other images of its set, and with those of the other set.
 */
interface KernelSums {
  within: readonly [Float64Array, Float64Array];
  across: readonly [Float64Array, Float64Array];
}

const known = new PairCache<FeatureMatrix, KernelSums>();

function cachedSums(a: FeatureMatrix, b: FeatureMatrix, onBlock?: () => void): Promise<KernelSums> {
  return known.get(a, b, () => kernelSums(a, b, onBlock));
}

function swapped({ within, across }: KernelSums): KernelSums {
  return { within: [within[1], within[0]], across: [across[1], across[0]] };
}

/** The distance without each image of the first set. */
function withoutEach({ within, across }: KernelSums): Float64Array {
  const [n, m] = [across[0].length, across[1].length];
  const [own, shared, other] = [total(within[0]), total(across[0]), total(within[1])];
  return across[0].map((sum, i) => {
    const inside = (own - 2 * (within[0][i] as number)) / ((n - 1) * (n - 2));
    return inside + other / (m * (m - 1)) - (2 * (shared - sum)) / ((n - 1) * m);
  });
}

function distanceOf({ within, across }: KernelSums): number {
  const [n, m] = [across[0].length, across[1].length];
  return (
    total(within[0]) / (n * (n - 1)) + total(within[1]) / (m * (m - 1)) - (2 * total(across[0])) / (n * m)
  );
}

function total(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0);
}

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
  return distanceOf(await kernelSums(a, b, onBlock));
}

async function kernelSums(a: FeatureMatrix, b: FeatureMatrix, onBlock?: () => void): Promise<KernelSums> {
  if (a.rows < 2 || b.rows < 2) throw new RangeError('the kernel distance needs two images in each set');
  const within = [await sumsWithin(a, onBlock), await sumsWithin(b, onBlock)] as const;
  return { within, across: await sumsAcross(a, b, onBlock) };
}

async function sumsAcross(
  a: FeatureMatrix,
  b: FeatureMatrix,
  onBlock?: () => void,
): Promise<readonly [Float64Array, Float64Array]> {
  const [left, right] = [new Float64Array(a.rows), new Float64Array(b.rows)];
  await forEachBlock(a, b, { onBlock }, ({ row, column, rows, columns, products }) => {
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        const value = kernel(products[i * columns + j] as number, a.columns);
        left[row + i] = (left[row + i] as number) + value;
        right[column + j] = (right[column + j] as number) + value;
      }
    }
  });
  return [left, right];
}

async function sumsWithin(set: FeatureMatrix, onBlock?: () => void): Promise<Float64Array> {
  const sums = new Float64Array(set.rows);
  await forEachBlock(set, set, { upperOnly: true, onBlock }, ({ row, column, rows, columns, products }) => {
    for (let i = 0; i < rows; i++) {
      for (let j = row === column ? i + 1 : 0; j < columns; j++) {
        const value = kernel(products[i * columns + j] as number, set.columns);
        sums[row + i] = (sums[row + i] as number) + value;
        sums[column + j] = (sums[column + j] as number) + value;
      }
    }
  });
  return sums;
}

function kernel(product: number, features: number): number {
  const base = product / features + 1;
  return base * base * base;
}
