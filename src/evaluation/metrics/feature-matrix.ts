/** Features of a set of images: one row per image. */
import type { GaussianStatistics } from './frechet-distance.js';

export interface FeatureMatrix {
  /** Number of images. */
  rows: number;
  /** Number of features per image. */
  columns: number;
  /** Row-major output of the extractor. */
  data: Float32Array | Float64Array;
  /** Logits of the classes, a row per image; only of networks that classify. */
  logits?: () => Promise<FeatureMatrix>;
  /** Mean and covariance, where they are kept beyond this process. */
  statistics?: () => Promise<GaussianStatistics>;
}

/** Some rows of a matrix, in the given order. */
export function rowsAt({ columns, data }: FeatureMatrix, indices: Int32Array): FeatureMatrix {
  const chosen = new (data instanceof Float32Array ? Float32Array : Float64Array)(indices.length * columns);
  for (const [i, row] of indices.entries())
    chosen.set(data.subarray(row * columns, (row + 1) * columns), i * columns);
  return { rows: indices.length, columns, data: chosen };
}

/** All rows of some matrices, in order. */
export function concatRows(parts: readonly FeatureMatrix['data'][], columns: number): FeatureMatrix {
  const data = concatenated(parts);
  return { rows: data.length / columns, columns, data };
}

/** All values of some arrays, in order. */
export function concatenated(parts: readonly FeatureMatrix['data'][]): Float32Array {
  const out = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** The first rows of a matrix, as a view of its memory. */
export function firstRows({ rows, columns, data }: FeatureMatrix, count: number): FeatureMatrix {
  const kept = Math.min(rows, count);
  return { rows: kept, columns, data: data.subarray(0, kept * columns) };
}

/** Mean of each feature: [columns]. */
export function meanRow({ rows, columns, data }: FeatureMatrix): Float64Array {
  const mean = new Float64Array(columns);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) mean[j] = (mean[j] as number) + (data[i * columns + j] as number);
  for (let j = 0; j < columns; j++) mean[j] = (mean[j] as number) / rows;
  return mean;
}
