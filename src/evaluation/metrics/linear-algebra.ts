/** Dense linear algebra in float64: transposes and Cholesky factors, by products of the library. */
import { type Matrix, matmulTransposed } from '../../nn/double-matrix.js';

export function zeros(rows: number, columns: number): Matrix {
  return { rows, columns, data: new Float64Array(rows * columns) };
}

export function transpose({ rows, columns, data }: Matrix): Matrix {
  const out = zeros(columns, rows);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) out.data[j * rows + i] = data[i * columns + j] as number;
  }
  return out;
}

/** Adds a matrix of the same shape. */
export function addTo({ data }: Matrix, other: Matrix): void {
  for (let i = 0; i < data.length; i++) data[i] = (data[i] as number) + (other.data[i] as number);
}

/** Columns that are computed together; what is left of them is subtracted as one product. */
const BLOCK = 64;

/**
 * L with L L^T = a, for a symmetric positive semi-definite a. Directions without variance give zero
 * columns. Only the lower triangle is read.
 */
export function cholesky(a: Matrix): Matrix {
  const n = a.rows;
  const l = zeros(n, n);
  let largest = 0;
  for (let i = 0; i < n; i++) largest = Math.max(largest, a.data[i * n + i] as number);
  const tolerance = largest * n * Number.EPSILON;
  for (let from = 0; from < n; from += BLOCK) {
    const to = Math.min(n, from + BLOCK);
    const known = from === 0 ? null : matmulTransposed(part(l, from, n, from), part(l, from, to, from));
    for (let i = from; i < n; i++) {
      for (let j = from; j < Math.min(to, i + 1); j++) {
        const before = known?.data[(i - from) * (to - from) + j - from] ?? 0;
        let sum = (a.data[i * n + j] as number) - before;
        for (let k = from; k < j; k++) sum -= (l.data[i * n + k] as number) * (l.data[j * n + k] as number);
        const pivot = l.data[j * n + j] as number;
        if (i === j) l.data[i * n + i] = sum > tolerance ? Math.sqrt(sum) : 0;
        else l.data[i * n + j] = pivot > 0 ? sum / pivot : 0;
      }
    }
  }
  return l;
}

/** The first columns of the rows from...to-1. */
function part({ columns: width, data }: Matrix, from: number, to: number, columns: number): Matrix {
  const out = zeros(to - from, columns);
  for (let row = from; row < to; row++)
    out.data.set(data.subarray(row * width, row * width + columns), (row - from) * columns);
  return out;
}
