/** Features of a set of images: one row an image. */

export interface FeatureMatrix {
  /** Images. */
  rows: number;
  /** Features of an image. */
  columns: number;
  /** Row-major, as the extractor gave them. */
  data: Float32Array | Float64Array;
}

/** The first rows of a matrix, sharing its memory. */
export function firstRows({ rows, columns, data }: FeatureMatrix, count: number): FeatureMatrix {
  const kept = Math.min(rows, count);
  return { rows: kept, columns, data: data.subarray(0, kept * columns) };
}

/** Mean of every feature. [columns] */
export function meanRow({ rows, columns, data }: FeatureMatrix): Float64Array {
  const mean = new Float64Array(columns);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) mean[j] = (mean[j] as number) + (data[i * columns + j] as number);
  for (let j = 0; j < columns; j++) mean[j] = (mean[j] as number) / rows;
  return mean;
}
