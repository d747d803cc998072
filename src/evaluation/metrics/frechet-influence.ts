/**
 * What each image contributes to the Fréchet distance: its influence function, whose variance gives
 * the standard error (the infinitesimal jackknife). The derivative of the distance by the
 * covariance S1 is I - T, where T maps the first normal distribution to the second (Rippl, Munk and
 * Sturm 2016, "Limit laws of the empirical Wasserstein distance: Gaussian distributions", theorem
 * 2.2).
 */
import { type Matrix, matmulTransposed, symmetricEigen } from '../../nn/double-matrix.js';
import type { FeatureMatrix } from './feature-matrix.js';
import { conjugate, factorOf, type GaussianStatistics, rankOf } from './frechet-distance.js';
import { transpose, zeros } from './linear-algebra.js';

type Pair<T> = readonly [T, T];

/** Rows that are projected per step; limits memory. */
const CHUNK_ROWS = 2048;
/** Directions with a smaller share of the largest deviation are rounding errors. */
const SMALLEST = 1e-6;

/**
 * 2 (m1 - m2)^T y + y^T (I - T) y for each image of both sets, with y the features without their
 * mean; up to a constant.
 */
export async function frechetInfluence(
  [a, b]: Pair<FeatureMatrix>,
  [first, second]: Pair<GaussianStatistics>,
  onStep: () => void,
): Promise<Pair<Float64Array>> {
  const [own, other] =
    rankOf(first) <= rankOf(second)
      ? await mapped([a, b], [first, second], onStep)
      : [...(await mapped([b, a], [second, first], onStep))].reverse();
  return [
    influence(a, first.mean, second.mean, own as Float64Array),
    influence(b, second.mean, first.mean, other as Float64Array),
  ];
}

/**
 * y^T T y of each image of both sets. With S1 = A^T A and A S2 A^T = U D^2 U^T, the map of the
 * second set to the first is A^T U D^-1 U^T A. If the rows of A are the images of the first set,
 * theirs are the diagonal of U D U^T; otherwise the sets change places.
 *
 * @param few the set of the lower rank first
 */
async function mapped(
  [few, many]: Pair<FeatureMatrix>,
  [lower, higher]: Pair<GaussianStatistics>,
  onStep: () => void,
): Promise<Pair<Float64Array>> {
  const factor = factorOf(lower);
  const { values, vectors } = symmetricEigen(conjugate(factor, higher));
  onStep();
  const deviations = values.map((value) => Math.sqrt(Math.max(0, value)));
  const ofMany = await mappedBy(factor, { deviations, vectors }, many, higher.mean, onStep);
  if (lower.spread.kind === 'rows') return [diagonal(vectors, deviations, few.rows - 1), ofMany];
  const back = factorOf(higher);
  const eigen = symmetricEigen(conjugate(back, lower));
  onStep();
  const backwards = {
    deviations: eigen.values.map((value) => Math.sqrt(Math.max(0, value))),
    vectors: eigen.vectors,
  };
  return [await mappedBy(back, backwards, few, lower.mean, onStep), ofMany];
}

/** The diagonal of scale U D U^T. */
function diagonal({ rows, columns, data }: Matrix, deviations: Float64Array, scale: number): Float64Array {
  return Float64Array.from({ length: rows }, (_, i) => {
    let sum = 0;
    for (let k = 0; k < columns; k++)
      sum += (data[i * columns + k] as number) ** 2 * (deviations[k] as number);
    return scale * sum;
  });
}

/** Sum over k of (u_k^T A y)^2 / d_k for each image. */
async function mappedBy(
  factor: Matrix,
  { deviations, vectors }: { deviations: Float64Array; vectors: Matrix },
  { rows, columns, data }: FeatureMatrix,
  mean: Float64Array,
  onStep: () => void,
): Promise<Float64Array> {
  const directions = matmulTransposed(transpose(vectors), transpose(factor));
  const largest = deviations.reduce((a, b) => Math.max(a, b), 0);
  const out = new Float64Array(rows);
  for (let from = 0; from < rows; from += CHUNK_ROWS) {
    const count = Math.min(CHUNK_ROWS, rows - from);
    const chunk = zeros(count, columns);
    for (let i = 0; i < chunk.data.length; i++)
      chunk.data[i] = (data[from * columns + i] as number) - (mean[i % columns] as number);
    const { columns: ranks, data: projected } = matmulTransposed(chunk, directions);
    for (let i = 0; i < count; i++) {
      let sum = 0;
      for (let k = 0; k < ranks; k++) {
        const deviation = deviations[k] as number;
        if (deviation > SMALLEST * largest) sum += (projected[i * ranks + k] as number) ** 2 / deviation;
      }
      out[from + i] = sum;
    }
    onStep();
    await new Promise(setImmediate);
  }
  return out;
}

function influence(
  { rows, columns, data }: FeatureMatrix,
  own: Float64Array,
  other: Float64Array,
  mapped: Float64Array,
): Float64Array {
  return Float64Array.from({ length: rows }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < columns; j++) {
      const y = (data[i * columns + j] as number) - (own[j] as number);
      sum += 2 * ((own[j] as number) - (other[j] as number)) * y + y * y;
    }
    return sum - (mapped[i] as number);
  });
}
