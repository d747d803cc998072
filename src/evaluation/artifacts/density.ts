/** How far the features of an image are from those of training images: k-NN, Mahalanobis. */
import { type Matrix, matmulTransposed } from '../../nn/double-matrix.js';
import type { AnalyzedSet } from '../analyses/analyzed-set.js';
import type { FeatureMatrix } from '../metrics/feature-matrix.js';
import { addTo, cholesky, transpose, zeros } from '../metrics/linear-algebra.js';
import { nearestNeighbors } from '../metrics/neighbors.js';

const NEIGHBORS = 3;
/** Part of the mean variance in every direction: there are fewer images than features. */
const SHRINKAGE = 0.1;
const CHUNK = 1024;

/** Distance to the k-th nearest training image (Sun et al. 2022, "Deep Nearest Neighbors"). */
export async function neighborScores(
  train: FeatureMatrix,
  images: FeatureMatrix,
  onBlock: () => void,
): Promise<Float64Array> {
  const k = Math.min(NEIGHBORS, train.rows);
  const { squared } = await nearestNeighbors(images, train, k, { onBlock });
  return Float64Array.from({ length: images.rows }, (_, i) =>
    Math.log(Math.sqrt(squared[i * k + k - 1] as number) + Number.EPSILON),
  );
}

/**
 * Mahalanobis distance with one covariance of all classes (Lee et al. 2018, "A Simple Unified
 * Framework for Detecting Out-of-Distribution Samples", equation 2): to the mean of the image's own
 * class, or of the nearest class if it is not known.
 */
export class ClassDistances {
  private constructor(
    /** Of each class, whitened: [classes, features]. */
    private readonly means: Matrix,
    /** Rows with mean 0 and covariance 1 come from a product with its transpose. */
    private readonly whitening: Matrix,
  ) {}

  static of({ features, labels }: AnalyzedSet, onBlock: () => void): ClassDistances {
    const { rows, columns } = features;
    const classes = labels ? Math.max(...labels) + 1 : 1;
    const classOf = (i: number) => labels?.[i] ?? 0;
    const means = classMeans(features, classes, classOf);
    const covariance = zeros(columns, columns);
    for (let from = 0; from < rows; from += CHUNK) {
      const chunk = transpose(
        centered(features, from, Math.min(rows, from + CHUNK), (i) => classOf(i), means),
      );
      addTo(covariance, matmulTransposed(chunk, chunk));
      onBlock();
    }
    shrink(covariance, rows);
    const whitening = triangularInverse(cholesky(covariance));
    onBlock();
    return new ClassDistances(matmulTransposed(means, whitening), whitening);
  }

  scores({ features, labels }: AnalyzedSet, onBlock: () => void): Float64Array {
    const { rows, columns, data } = features;
    const out = new Float64Array(rows);
    for (let from = 0; from < rows; from += CHUNK) {
      const to = Math.min(rows, from + CHUNK);
      const part = Float64Array.from(data.subarray(from * columns, to * columns));
      const whitened = matmulTransposed({ rows: to - from, columns, data: part }, this.whitening);
      for (let i = from; i < to; i++) out[i] = this.distance(whitened, i - from, labels?.[i] ?? null);
      onBlock();
    }
    return out;
  }

  /** Logarithm of the distance. */
  private distance({ columns, data }: Matrix, row: number, label: number | null): number {
    const to = (cell: number) => {
      let sum = 0;
      for (let j = 0; j < columns; j++)
        sum += ((data[row * columns + j] as number) - (this.means.data[cell * columns + j] as number)) ** 2;
      return sum;
    };
    const isKnown = label !== null && label < this.means.rows;
    const cells = isKnown ? [label] : Array.from({ length: this.means.rows }, (_, cell) => cell);
    return Math.log(Math.sqrt(Math.min(...cells.map(to))) + Number.EPSILON);
  }
}

/** A class without images has the mean of all. */
function classMeans(
  { rows, columns, data }: FeatureMatrix,
  classes: number,
  classOf: (i: number) => number,
): Matrix {
  const means = zeros(classes, columns);
  const whole = new Float64Array(columns);
  const counts = new Int32Array(classes);
  for (let i = 0; i < rows; i++) {
    const cell = classOf(i);
    counts[cell] = (counts[cell] as number) + 1;
    for (let j = 0; j < columns; j++) {
      const value = data[i * columns + j] as number;
      means.data[cell * columns + j] = (means.data[cell * columns + j] as number) + value;
      whole[j] = (whole[j] as number) + value / rows;
    }
  }
  for (const [cell, count] of counts.entries())
    for (let j = 0; j < columns; j++)
      means.data[cell * columns + j] =
        count > 0 ? (means.data[cell * columns + j] as number) / count : (whole[j] as number);
  return means;
}

/** Rows from...to-1, less the mean of their class. */
function centered(
  { columns, data }: FeatureMatrix,
  from: number,
  to: number,
  classOf: (i: number) => number,
  means: Matrix,
): Matrix {
  const out = zeros(to - from, columns);
  for (let i = from; i < to; i++)
    for (let j = 0; j < columns; j++)
      out.data[(i - from) * columns + j] =
        (data[i * columns + j] as number) - (means.data[classOf(i) * columns + j] as number);
  return out;
}

/** Sums of products become a covariance, of which a part is the same in every direction. */
function shrink(sums: Matrix, images: number): void {
  const n = sums.rows;
  let trace = 0;
  for (let i = 0; i < n; i++) trace += (sums.data[i * n + i] as number) / images;
  // Constant features leave nothing to scale by.
  const same = Math.max(SHRINKAGE * (trace / n), 1e-9);
  for (let i = 0; i < n * n; i++) sums.data[i] = ((1 - SHRINKAGE) * (sums.data[i] as number)) / images;
  for (let i = 0; i < n; i++) sums.data[i * n + i] = (sums.data[i * n + i] as number) + same;
}

/** Inverse of a lower triangular matrix with a positive diagonal. */
function triangularInverse(l: Matrix): Matrix {
  const n = l.rows;
  const out = zeros(n, n);
  for (let i = 0; i < n; i++) {
    const pivot = l.data[i * n + i] as number;
    // Row i of the inverse is a combination of the rows above: whole rows are read in order.
    for (let k = 0; k < i; k++) {
      const factor = (l.data[i * n + k] as number) / pivot;
      if (factor === 0) continue;
      for (let j = 0; j <= k; j++)
        out.data[i * n + j] = (out.data[i * n + j] as number) - factor * (out.data[k * n + j] as number);
    }
    out.data[i * n + i] = 1 / pivot;
  }
  return out;
}
