/**
 * Nearest neighbors and balls around images. Distances come from float32 products in blocks; those
 * that decide a comparison are computed again in double precision.
 */
import { type FeatureMatrix, meanRow } from './feature-matrix.js';
import { forEachBlock } from './pairwise.js';

/** Indices and squared distances of the nearest images, ascending: [rows, k]. */
export interface Neighbors {
  k: number;
  indices: Int32Array;
  squared: Float64Array;
}

/** Neighbors within a set that are found at once, since several metrics ask for them. */
const DEPTH = 6;
/** More than k candidates are kept, because float32 may order the last ones wrongly. */
const SPARE = 8;
/** Bound of the error of a float32 product, relative to the squared norms. */
const TOLERANCE = 1e-5;

const within = new WeakMap<FeatureMatrix, Promise<Neighbors>>();

/** Squared distance of each image to its k-th nearest other image of the same set. */
export async function squaredRadii(
  set: FeatureMatrix,
  k: number,
  onBlock?: () => void,
): Promise<Float64Array> {
  const { k: depth, squared } = await neighborsWithin(set, k, onBlock);
  return Float64Array.from({ length: set.rows }, (_, i) => squared[i * depth + k - 1] as number);
}

export async function neighborsWithin(
  set: FeatureMatrix,
  k: number,
  onBlock?: () => void,
): Promise<Neighbors> {
  if (set.rows <= k) throw new RangeError(`${k} neighbors need more than ${k} images in each set`);
  const depth = Math.min(DEPTH, set.rows - 1);
  if (k > depth) return nearestNeighbors(set, set, k, { onBlock });
  const known = within.get(set) ?? nearestNeighbors(set, set, depth, { onBlock });
  within.set(set, known);
  return known;
}

/** Visits each pair of a point i and a center j whose outer ball contains it. */
export function forEachInBalls(
  points: FeatureMatrix,
  centers: FeatureMatrix,
  { inner, outer }: { inner: Float64Array; outer: Float64Array },
  onBlock: (() => void) | undefined,
  visit: (i: number, j: number, isInner: boolean) => void,
): Promise<void> {
  return forEachDistance(points, centers, onBlock, (i, j, squared, error) => {
    const [near, far] = [inner[j] as number, outer[j] as number];
    if (squared - error > far) return;
    const isNear = Math.abs(squared - near) <= error || Math.abs(squared - far) <= error;
    const exact = isNear ? exactSquared(points, i, centers, j) : squared;
    if (exact <= far) visit(i, j, exact <= near);
  });
}

/** The k images of `b` that are nearest to each image of `a`; to itself if both are one set. */
export async function nearestNeighbors(
  a: FeatureMatrix,
  b: FeatureMatrix,
  k: number,
  { onBlock }: { onBlock?: (() => void) | undefined } = {},
): Promise<Neighbors> {
  const kept = Math.min(k + SPARE, b.rows);
  const candidates = { indices: new Int32Array(a.rows * kept), squared: new Float64Array(a.rows * kept) };
  candidates.squared.fill(Number.POSITIVE_INFINITY);
  candidates.indices.fill(-1);
  await forEachDistance(a, b, onBlock, (i, j, squared) => {
    if (a !== b || i !== j) insert(candidates, i * kept, kept, j, squared);
  });
  const found: Neighbors = { k, indices: new Int32Array(a.rows * k), squared: new Float64Array(a.rows * k) };
  for (let i = 0; i < a.rows; i++) {
    const exact = Array.from(candidates.indices.subarray(i * kept, (i + 1) * kept))
      .filter((j) => j >= 0)
      .map((j) => ({ j, squared: exactSquared(a, i, b, j) }))
      .sort((x, y) => x.squared - y.squared);
    for (const [n, { j, squared }] of exact.slice(0, k).entries()) {
      found.indices[i * k + n] = j;
      found.squared[i * k + n] = squared;
    }
  }
  return found;
}

/** Keeps the smallest values, ascending. */
function insert(
  { indices, squared }: Pick<Neighbors, 'indices' | 'squared'>,
  first: number,
  kept: number,
  index: number,
  value: number,
): void {
  let at = first + kept - 1;
  if (value >= (squared[at] as number)) return;
  while (at > first && (squared[at - 1] as number) > value) {
    squared[at] = squared[at - 1] as number;
    indices[at] = indices[at - 1] as number;
    at--;
  }
  squared[at] = value;
  indices[at] = index;
}

/** @param visit receives the squared distance and a bound of its error */
function forEachDistance(
  a: FeatureMatrix,
  b: FeatureMatrix,
  onBlock: (() => void) | undefined,
  visit: (i: number, j: number, squared: number, error: number) => void,
): Promise<void> {
  // A shift does not change distances; centered values lose less precision in float32.
  const shift = meanRow(b);
  const right = shifted(b, shift);
  const left = a === b ? right : shifted(a, shift);
  return forEachBlock(left.features, right.features, { onBlock }, (block) => {
    const { row, rows, column, columns, products } = block;
    for (let i = 0; i < rows; i++) {
      const square = left.squares[row + i] as number;
      for (let j = 0; j < columns; j++) {
        const sum = square + (right.squares[column + j] as number);
        const squared = sum - 2 * (products[i * columns + j] as number);
        visit(row + i, column + j, squared, TOLERANCE * sum);
      }
    }
  });
}

/** The features minus a row, and the squared norm of each image. */
function shifted(
  { rows, columns, data }: FeatureMatrix,
  shift: Float64Array,
): { features: FeatureMatrix; squares: Float64Array } {
  const moved = new Float32Array(rows * columns);
  const squares = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const at = i * columns + j;
      moved[at] = (data[at] as number) - (shift[j] as number);
      squares[i] = (squares[i] as number) + (moved[at] as number) ** 2;
    }
  }
  return { features: { rows, columns, data: moved }, squares };
}

function exactSquared(a: FeatureMatrix, i: number, b: FeatureMatrix, j: number): number {
  let sum = 0;
  for (let column = 0; column < a.columns; column++) {
    const x = a.data[i * a.columns + column] as number;
    sum += (x - (b.data[j * b.columns + column] as number)) ** 2;
  }
  return sum;
}
