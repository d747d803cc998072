/**
 * Improved precision and recall (Kynkäänniemi et al. 2019, section 2): the fraction of each set
 * inside the other set's manifold.
 */
import { type FeatureMatrix, meanRow } from './feature-matrix.js';
import type { Metric } from './metric.js';
import { forEachBlock } from './pairwise.js';

export interface PrecisionRecall {
  /** Fraction of synthetic images inside the manifold of real images, 0...1. */
  precision: number;
  /** Fraction of real images inside the manifold of synthetic images, 0...1. */
  recall: number;
}

const NEIGHBORS = 3;

export const precisionRecallMetric: Metric<'precision' | 'recall'> = {
  minImages: NEIGHBORS + 1,
  compare: (synthetic, real, onBlock) => precisionRecall(real, synthetic, { onBlock }),
};

/**
 * The manifold of a set is the union of balls around its images. The radius of each ball is the
 * distance to the k-th nearest other image of the set.
 *
 * @throws RangeError unless each set has more than k images
 */
export async function precisionRecall(
  real: FeatureMatrix,
  fake: FeatureMatrix,
  { k = NEIGHBORS, onBlock }: { k?: number; onBlock?: () => void } = {},
): Promise<PrecisionRecall> {
  if (real.rows <= k || fake.rows <= k)
    throw new RangeError(`precision and recall need more than ${k} images in each set`);
  // A shift does not change distances; centered values lose less precision in float32.
  const shift = meanRow(real);
  const r = prepare(real, shift);
  const f = prepare(fake, shift);
  const precision = await fractionInside(f, r, await radii(r, k, onBlock), onBlock);
  const recall = await fractionInside(r, f, await radii(f, k, onBlock), onBlock);
  return { precision, recall };
}

interface Prepared {
  features: FeatureMatrix;
  /** Squared norm of each row. */
  squares: Float64Array;
}

function prepare({ rows, columns, data }: FeatureMatrix, shift: Float64Array): Prepared {
  const shifted = new Float32Array(rows * columns);
  const squares = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const at = i * columns + j;
      shifted[at] = (data[at] as number) - (shift[j] as number);
      squares[i] = (squares[i] as number) + (shifted[at] as number) ** 2;
    }
  }
  return { features: { rows, columns, data: shifted }, squares };
}

/** Squared distance of each image to its k-th nearest other image of the same set. */
async function radii(set: Prepared, k: number, onBlock?: () => void): Promise<Float64Array> {
  const nearest = new Float64Array(set.features.rows * k).fill(Number.POSITIVE_INFINITY);
  await forEachDistance(set, set, onBlock, (i, j, distance) => {
    if (i !== j) insert(nearest, i * k, k, distance);
  });
  return Float64Array.from({ length: set.features.rows }, (_, i) => nearest[i * k + k - 1] as number);
}

/** Keeps the k smallest values, ascending. */
function insert(nearest: Float64Array, first: number, k: number, value: number): void {
  let index = first + k - 1;
  if (value >= (nearest[index] as number)) return;
  while (index > first && (nearest[index - 1] as number) > value) {
    nearest[index] = nearest[index - 1] as number;
    index--;
  }
  nearest[index] = value;
}

/** Fraction of the points that are inside at least one ball. */
async function fractionInside(
  points: Prepared,
  centers: Prepared,
  radius: Float64Array,
  onBlock?: () => void,
): Promise<number> {
  const inside = new Uint8Array(points.features.rows);
  await forEachDistance(points, centers, onBlock, (i, j, distance) => {
    if (distance <= (radius[j] as number)) inside[i] = 1;
  });
  return inside.reduce((sum, flag) => sum + flag, 0) / inside.length;
}

function forEachDistance(
  a: Prepared,
  b: Prepared,
  onBlock: (() => void) | undefined,
  visit: (i: number, j: number, squared: number) => void,
): Promise<void> {
  return forEachBlock(a.features, b.features, { onBlock }, ({ row, rows, column, columns, products }) => {
    for (let i = 0; i < rows; i++) {
      const square = a.squares[row + i] as number;
      for (let j = 0; j < columns; j++) {
        const product = products[i * columns + j] as number;
        visit(row + i, column + j, square + (b.squares[column + j] as number) - 2 * product);
      }
    }
  });
}
