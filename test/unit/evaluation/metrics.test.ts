/** Linear algebra and metrics on cases with known results. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RandomStream } from '../../../src/core/random.js';
import type { FeatureMatrix } from '../../../src/evaluation/metrics/feature-matrix.js';
import { frechetDistance, gaussianStatistics } from '../../../src/evaluation/metrics/frechet-distance.js';
import { kernelDistance } from '../../../src/evaluation/metrics/kid.js';
import {
  cholesky,
  symmetricEigenvalues,
  matmulTransposed,
  zeros,
} from '../../../src/evaluation/metrics/linear-algebra.js';
import { precisionRecall } from '../../../src/evaluation/metrics/precision-recall.js';

/** Shifted normal features. */
function sample(rows: number, columns: number, seed: number, shift = 0): FeatureMatrix {
  const random = new RandomStream(seed, 'test');
  return {
    rows,
    columns,
    data: Float64Array.from({ length: rows * columns }, () => random.normal() + shift),
  };
}

function near(actual: number, wanted: number, tolerance = 1e-9): void {
  assert.ok(
    Math.abs(actual - wanted) <= tolerance * Math.max(1, Math.abs(wanted)),
    `${actual} instead of ${wanted}`,
  );
}

function padded({ rows, columns, data }: FeatureMatrix, to: number): FeatureMatrix {
  const out = new Float64Array(rows * to);
  for (let i = 0; i < rows; i++) out.set(data.subarray(i * columns, (i + 1) * columns), i * to);
  return { rows, columns: to, data: out };
}

describe('linear algebra', () => {
  test('eigenvalues of the second difference matrix match the formula', () => {
    const n = 25;
    const matrix = zeros(n, n);
    for (let i = 0; i < n; i++) {
      matrix.data[i * n + i] = 2;
      if (i > 0) matrix.data[i * n + i - 1] = -1;
    }
    const found = symmetricEigenvalues(matrix).sort();
    for (let k = 0; k < n; k++)
      near(found[k] as number, 2 - 2 * Math.cos((Math.PI * (k + 1)) / (n + 1)), 1e-12);
  });

  test('eigenvalues of dense, repeated and zero matrices preserve trace and sum of squares', () => {
    const { data } = sample(31, 31, 1);
    const root = { rows: 31, columns: 31, data: Float64Array.from(data) };
    const dense = matmulTransposed(root, root);
    const values = symmetricEigenvalues(dense);
    near(
      values.reduce((a, b) => a + b),
      Array.from({ length: 31 }, (_, i) => dense.data[i * 32] as number).reduce((a, b) => a + b),
    );
    near(
      values.reduce((a, b) => a + b * b, 0),
      dense.data.reduce((a, b) => a + b * b, 0),
    );
    const ones = { rows: 9, columns: 9, data: new Float64Array(81).fill(1) };
    assert.deepEqual(
      Array.from(symmetricEigenvalues(ones), (v) => Math.round(v * 1e9) / 1e9 + 0).sort(),
      [0, 0, 0, 0, 0, 0, 0, 0, 9],
    );
    assert.deepEqual([...symmetricEigenvalues(zeros(4, 4))], [0, 0, 0, 0]);
    assert.deepEqual([...symmetricEigenvalues({ rows: 1, columns: 1, data: Float64Array.of(3) })], [3]);
  });

  test('a rank-deficient matrix has a Cholesky factor', () => {
    const rows = { rows: 7, columns: 3, data: Float64Array.from(sample(7, 3, 2).data) };
    const matrix = matmulTransposed(rows, rows);
    const factor = cholesky(matrix);
    const product = matmulTransposed(factor, factor);
    for (const [i, value] of product.data.entries()) near(value, matrix.data[i] as number, 1e-6);
  });
});

describe('the Fréchet distance', () => {
  test('of one-dimensional sets matches the formula', () => {
    const a = { rows: 3, columns: 1, data: Float64Array.of(0, 2, 4) };
    const b = { rows: 3, columns: 1, data: Float64Array.of(9, 10, 11) };
    near(frechetDistance(gaussianStatistics(a), gaussianStatistics(b)), 8 ** 2 + (2 - 1) ** 2);
  });

  test('is the same for fewer images than features and for more', () => {
    const a = sample(20, 12, 3);
    const b = sample(17, 12, 4, 0.5);
    const full = frechetDistance(gaussianStatistics(a), gaussianStatistics(b));
    for (const [x, y] of [
      [a, b],
      [b, a],
    ] as const) {
      const few = frechetDistance(gaussianStatistics(padded(x, 40)), gaussianStatistics(padded(y, 40)));
      near(few, full, 1e-8);
    }
    const mixed = frechetDistance(gaussianStatistics(padded(a, 18)), gaussianStatistics(padded(b, 18)));
    near(mixed, full, 1e-8);
  });

  test('of a set to itself is zero, and a single image is rejected', () => {
    const statistics = gaussianStatistics(sample(30, 8, 5));
    near(frechetDistance(statistics, statistics), 0, 1e-9);
    assert.throws(() => gaussianStatistics(sample(1, 8, 5)), RangeError);
  });
});

test('the kernel distance is near zero for equal distributions and grows with a shift', async () => {
  const real = sample(300, 8, 6);
  const same = await kernelDistance(real, sample(300, 8, 7));
  const shifted = await kernelDistance(real, sample(300, 8, 7, 1));
  assert.ok(Math.abs(same) < 0.1, String(same));
  assert.ok(shifted > 10 * Math.abs(same));
});

test('precision and recall are zero for distant sets, and separate variety from fidelity', async () => {
  const real = sample(60, 4, 8);
  assert.deepEqual(await precisionRecall(real, sample(60, 4, 9, 100)), { precision: 0, recall: 0 });
  assert.deepEqual(await precisionRecall(real, real), { precision: 1, recall: 1 });
  const onePoint = {
    rows: 60,
    columns: 4,
    data: Float64Array.from({ length: 240 }, (_, i) => real.data[i % 4] as number),
  };
  const { precision, recall } = await precisionRecall(real, onePoint);
  assert.equal(precision, 1);
  assert.ok(recall < 0.1);
});
