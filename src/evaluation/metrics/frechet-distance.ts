/**
 * The Fréchet distance between two sets of features (Heusel et al. 2017, "GANs trained by a two
 * time-scale update rule", section 2).
 */
import { type Matrix, matmulTransposed, symmetricEigenvalues } from '../../nn/double-matrix.js';
import { type FeatureMatrix, meanRow } from './feature-matrix.js';
import { addTo, cholesky, transpose, zeros } from './linear-algebra.js';

/** Statistics of a set that the distance needs. They can be reused in any number of comparisons. */
export interface GaussianStatistics {
  images: number;
  mean: Float64Array;
  /** Trace of the covariance (divided by n - 1). */
  trace: number;
  /**
   * The covariance [d, d]. With fewer images than features, the centered rows divided by sqrt(n -
   * 1): their product with their transpose has the same nonzero eigenvalues.
   */
  spread: { kind: 'covariance' | 'rows'; matrix: Matrix };
}

/**
 * Statistics by set: each set is compared with several others, and its statistics take up to a
 * minute.
 */
const cachedStatistics = new WeakMap<FeatureMatrix, Promise<GaussianStatistics>>();

export function statisticsOf(features: FeatureMatrix): Promise<GaussianStatistics> {
  const known =
    cachedStatistics.get(features) ??
    features.statistics?.() ??
    Promise.resolve().then(() => gaussianStatistics(features));
  cachedStatistics.set(features, known);
  return known;
}

/** Number of rows that are centered, transposed and multiplied per step; limits memory. */
const CHUNK_ROWS = 2048;

/** @throws RangeError for fewer than two images, which have no covariance. */
export function gaussianStatistics(features: FeatureMatrix): GaussianStatistics {
  const { rows, columns } = features;
  if (rows < 2) throw new RangeError('a covariance needs at least two images');
  const mean = meanRow(features);
  if (rows < columns) {
    const matrix = centered(features, mean, 0, rows);
    return { images: rows, mean, trace: sumOfSquares(matrix), spread: { kind: 'rows', matrix } };
  }
  const matrix = zeros(columns, columns);
  for (let from = 0; from < rows; from += CHUNK_ROWS) {
    const chunk = transpose(centered(features, mean, from, Math.min(rows, from + CHUNK_ROWS)));
    addTo(matrix, matmulTransposed(chunk, chunk));
  }
  return { images: rows, mean, trace: traceOf(matrix), spread: { kind: 'covariance', matrix } };
}

/** |m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^(1/2), clamped to at least zero. */
export function frechetDistance(a: GaussianStatistics, b: GaussianStatistics): number {
  let distance = 0;
  for (let i = 0; i < a.mean.length; i++) distance += ((a.mean[i] as number) - (b.mean[i] as number)) ** 2;
  return Math.max(0, distance + a.trace + b.trace - 2 * traceOfRoot(a, b));
}

/**
 * tr (S1 S2)^(1/2). With S1 = A^T A, the nonzero eigenvalues of S1 S2 are those of A S2 A^T, which
 * is symmetric. With S2 = B^T B, they are the squared singular values of A B^T.
 */
function traceOfRoot(a: GaussianStatistics, b: GaussianStatistics): number {
  const [few, many] = rankOf(a) <= rankOf(b) ? [a, b] : [b, a];
  return symmetricEigenvalues(conjugate(factorOf(few), many)).reduce(
    (sum, value) => sum + Math.sqrt(Math.max(0, value)),
    0,
  );
}

/** A with S = A^T A. */
export function factorOf({ spread }: GaussianStatistics): Matrix {
  return spread.kind === 'rows' ? spread.matrix : transpose(cholesky(spread.matrix));
}

/** A S A^T for the covariance S of a set. */
export function conjugate(factor: Matrix, { spread }: GaussianStatistics): Matrix {
  const product = matmulTransposed(factor, spread.matrix);
  return spread.kind === 'rows' ? matmulTransposed(product, product) : matmulTransposed(product, factor);
}

/** Rows of the factor of the covariance. */
export function rankOf({ spread }: GaussianStatistics): number {
  return spread.matrix.rows;
}

/** Rows from...to-1, centered and divided by sqrt(n - 1). */
function centered(
  { rows, columns, data }: FeatureMatrix,
  mean: Float64Array,
  from: number,
  to: number,
): Matrix {
  const out = zeros(to - from, columns);
  const scale = 1 / Math.sqrt(rows - 1);
  for (let i = from; i < to; i++) {
    for (let j = 0; j < columns; j++) {
      out.data[(i - from) * columns + j] = ((data[i * columns + j] as number) - (mean[j] as number)) * scale;
    }
  }
  return out;
}

function sumOfSquares({ data }: Matrix): number {
  return data.reduce((sum, value) => sum + value * value, 0);
}

function traceOf({ rows, data }: Matrix): number {
  let sum = 0;
  for (let i = 0; i < rows; i++) sum += data[i * rows + i] as number;
  return sum;
}
