/**
 * Dense linear algebra in float64: matrix products, Cholesky factors, eigenvalues of symmetric
 * matrices.
 */

/** Row-major. */
export interface Matrix {
  rows: number;
  columns: number;
  data: Float64Array;
}

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

/** a b^T: the dot products of the rows of a with the rows of b. */
export function matmulTransposed(a: Matrix, b: Matrix): Matrix {
  const out = zeros(a.rows, b.rows);
  addProducts(out, a, b, () => b.rows);
  return out;
}

/** Adds the lower triangle of a a^T; {@link symmetrize} completes it. */
export function addGram(out: Matrix, a: Matrix): void {
  addProducts(out, a, a, (row) => Math.min(a.rows, row + 2));
}

/** Copies the lower triangle of a square matrix to the upper one. */
export function symmetrize({ rows, data }: Matrix): void {
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < i; j++) data[j * rows + i] = data[i * rows + j] as number;
}

/** Computes two rows by four columns at a time, so that eight sums stay in registers. */
function addProducts(out: Matrix, a: Matrix, b: Matrix, columnsOf: (row: number) => number): void {
  const depth = a.columns;
  const x = a.data;
  const y = b.data;
  const last = a.rows - 1;
  for (let i = 0; i < a.rows; i += 2) {
    const end = columnsOf(i);
    const x0 = i * depth;
    const x1 = Math.min(i + 1, last) * depth;
    for (let j = 0; j < end; j += 4) {
      const y0 = j * depth;
      const y1 = Math.min(j + 1, b.rows - 1) * depth;
      const y2 = Math.min(j + 2, b.rows - 1) * depth;
      const y3 = Math.min(j + 3, b.rows - 1) * depth;
      let s00 = 0;
      let s01 = 0;
      let s02 = 0;
      let s03 = 0;
      let s10 = 0;
      let s11 = 0;
      let s12 = 0;
      let s13 = 0;
      for (let k = 0; k < depth; k++) {
        const p = x[x0 + k] as number;
        const q = x[x1 + k] as number;
        const r0 = y[y0 + k] as number;
        const r1 = y[y1 + k] as number;
        const r2 = y[y2 + k] as number;
        const r3 = y[y3 + k] as number;
        s00 += p * r0;
        s01 += p * r1;
        s02 += p * r2;
        s03 += p * r3;
        s10 += q * r0;
        s11 += q * r1;
        s12 += q * r2;
        s13 += q * r3;
      }
      addTo(out, i, j, [s00, s01, s02, s03]);
      if (i < last) addTo(out, i + 1, j, [s10, s11, s12, s13]);
    }
  }
}

/** Adds values to a row from a column on; values beyond the last column are ignored. */
function addTo({ columns, data }: Matrix, row: number, column: number, values: readonly number[]): void {
  const start = row * columns + column;
  const count = Math.min(values.length, columns - column);
  for (let i = 0; i < count; i++) data[start + i] = (data[start + i] as number) + (values[i] as number);
}

/**
 * L with L L^T = a, for a symmetric positive semi-definite a. Directions without variance give zero
 * columns.
 */
export function cholesky(a: Matrix): Matrix {
  const n = a.rows;
  const out = zeros(n, n);
  const l = out.data;
  let largest = 0;
  for (let i = 0; i < n; i++) largest = Math.max(largest, a.data[i * n + i] as number);
  const tolerance = largest * n * Number.EPSILON;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a.data[i * n + j] as number;
      for (let k = 0; k < j; k++) sum -= (l[i * n + k] as number) * (l[j * n + k] as number);
      const pivot = l[j * n + j] as number;
      if (i === j) l[i * n + i] = sum > tolerance ? Math.sqrt(sum) : 0;
      else l[i * n + j] = pivot > 0 ? sum / pivot : 0;
    }
  }
  return out;
}

/**
 * Eigenvalues of a symmetric matrix, unordered: reduction to tridiagonal form by Householder
 * reflections, then QL with implicit shifts (Golub and Van Loan, Matrix Computations, sections
 * 8.3.1 and 8.3.3). Only the lower triangle is read.
 */
export function symmetricEigenvalues(matrix: Matrix): Float64Array {
  const { diagonal, offDiagonal } = tridiagonal({ ...matrix, data: matrix.data.slice() });
  return tridiagonalEigenvalues(diagonal, offDiagonal);
}

/** Reduces in place, from the last row up. offDiagonal[i] is the entry at (i, i + 1). */
function tridiagonal({ rows: n, data: a }: Matrix): { diagonal: Float64Array; offDiagonal: Float64Array } {
  const offDiagonal = new Float64Array(n);
  const v = new Float64Array(n);
  const p = new Float64Array(n);
  for (let i = n - 1; i >= 1; i--) {
    // The reflection maps row i, left of the diagonal, to a multiple of the last unit vector.
    let scale = 0;
    for (let k = 0; k < i; k++) scale = Math.max(scale, Math.abs(a[i * n + k] as number));
    if (scale === 0) continue;
    let square = 0;
    for (let k = 0; k < i; k++) {
      v[k] = (a[i * n + k] as number) / scale;
      square += (v[k] as number) ** 2;
    }
    const end = v[i - 1] as number;
    const norm = end > 0 ? -Math.sqrt(square) : Math.sqrt(square);
    offDiagonal[i - 1] = norm * scale;
    v[i - 1] = end - norm;
    const half = square - end * norm;
    if (half > 0) reflect({ a, n }, { v, size: i, half }, p);
  }
  return { diagonal: Float64Array.from({ length: n }, (_, i) => a[i * n + i] as number), offDiagonal };
}

/**
 * A <- H A H on the leading block, H = I - v v^T / half, by A - v w^T - w v^T; lower triangle.
 *
 * @param p working memory
 */
function reflect(
  { a, n }: { a: Float64Array; n: number },
  { v, size, half }: { v: Float64Array; size: number; half: number },
  p: Float64Array,
): void {
  p.fill(0, 0, size);
  for (let j = 0; j < size; j++) {
    const row = j * n;
    const vj = v[j] as number;
    let sum = 0;
    for (let k = 0; k < j; k++) {
      const value = a[row + k] as number;
      sum += value * (v[k] as number);
      p[k] = (p[k] as number) + value * vj;
    }
    p[j] = (p[j] as number) + sum + (a[row + j] as number) * vj;
  }
  let projection = 0;
  for (let j = 0; j < size; j++) {
    p[j] = (p[j] as number) / half;
    projection += (p[j] as number) * (v[j] as number);
  }
  const shift = projection / (2 * half);
  for (let j = 0; j < size; j++) p[j] = (p[j] as number) - shift * (v[j] as number);
  for (let j = 0; j < size; j++) {
    const row = j * n;
    const vj = v[j] as number;
    const pj = p[j] as number;
    for (let k = 0; k <= j; k++)
      a[row + k] = (a[row + k] as number) - vj * (p[k] as number) - pj * (v[k] as number);
  }
}

function tridiagonalEigenvalues(d: Float64Array, e: Float64Array): Float64Array {
  const n = d.length;
  for (let l = 0; l < n; l++) {
    for (;;) {
      let m = l;
      while (m < n - 1 && !isNegligible(d, e, m)) m++;
      if (m === l) break;
      sweep(d, e, l, m);
    }
  }
  return d;
}

function isNegligible(d: Float64Array, e: Float64Array, m: number): boolean {
  const magnitude = Math.abs(d[m] as number) + Math.abs(d[m + 1] as number);
  return (
    Math.abs(e[m] as number) <= Number.EPSILON * magnitude || Math.abs(e[m] as number) < Number.MIN_VALUE * 4
  );
}

/** One QL step with Wilkinson's shift on the unreduced block l..m. */
function sweep(d: Float64Array, e: Float64Array, l: number, m: number): void {
  const slope = ((d[l + 1] as number) - (d[l] as number)) / (2 * (e[l] as number));
  const root = Math.hypot(slope, 1);
  let g = (d[m] as number) - (d[l] as number) + (e[l] as number) / (slope + (slope >= 0 ? root : -root));
  let sine = 1;
  let cosine = 1;
  let correction = 0;
  for (let i = m - 1; i >= l; i--) {
    const f = sine * (e[i] as number);
    const b = cosine * (e[i] as number);
    const r = Math.hypot(f, g);
    e[i + 1] = r;
    if (r === 0) {
      d[i + 1] = (d[i + 1] as number) - correction;
      e[m] = 0;
      return;
    }
    sine = f / r;
    cosine = g / r;
    g = (d[i + 1] as number) - correction;
    const t = ((d[i] as number) - g) * sine + 2 * cosine * b;
    correction = sine * t;
    d[i + 1] = g + correction;
    g = cosine * t - b;
  }
  d[l] = (d[l] as number) - correction;
  e[l] = g;
  e[m] = 0;
}
