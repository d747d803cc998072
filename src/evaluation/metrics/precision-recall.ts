/** Improved precision and recall (Kynkäänniemi et al. 2019, section 2): shares of each set inside of the other's manifold. */
import { type FeatureMatrix, meanRow } from './feature-matrix.js';
import { forEachBlock } from './pairwise.js';

export interface PrecisionRecall {
  /** Share of synthetic images that look like real ones. 0...1 */
  precision: number;
  /** Share of real images that the generator could have made. 0...1 */
  recall: number;
}

export const NEIGHBOURS = 3;

/**
 * A set's manifold is the union of balls around its images that reach to the k-th nearest other image of the set.
 *
 * @throws RangeError unless each set has more than k images
 */
export async function precisionRecall(
  real: FeatureMatrix,
  fake: FeatureMatrix,
  { k = NEIGHBOURS, onBlock }: { k?: number; onBlock?: () => void } = {},
): Promise<PrecisionRecall> {
  if (real.rows <= k || fake.rows <= k)
    throw new RangeError(`precision and recall need more than ${k} images in each set`);
  // Distances do not change by a shift; small numbers lose less in float32.
  const shift = meanRow(real);
  const r = prepare(real, shift);
  const f = prepare(fake, shift);
  const precision = await shareInside(f, r, await radii(r, k, onBlock), onBlock);
  const recall = await shareInside(r, f, await radii(f, k, onBlock), onBlock);
  return { precision, recall };
}

interface Prepared {
  features: FeatureMatrix;
  /** Squared length of every row. */
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
  let place = first + k - 1;
  if (value >= (nearest[place] as number)) return;
  while (place > first && (nearest[place - 1] as number) > value) {
    nearest[place] = nearest[place - 1] as number;
    place--;
  }
  nearest[place] = value;
}

async function shareInside(
  points: Prepared,
  centres: Prepared,
  radius: Float64Array,
  onBlock?: () => void,
): Promise<number> {
  const inside = new Uint8Array(points.features.rows);
  await forEachDistance(points, centres, onBlock, (i, j, distance) => {
    if (distance <= (radius[j] as number)) inside[i] = 1;
  });
  return inside.reduce((sum, one) => sum + one, 0) / inside.length;
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
