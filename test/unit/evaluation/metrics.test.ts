/** Linear algebra and metrics on cases with known results. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RandomStream } from '../../../src/core/random.js';
import type { FeatureMatrix } from '../../../src/evaluation/metrics/feature-matrix.js';
import { frechetDistance, gaussianStatistics } from '../../../src/evaluation/metrics/frechet-distance.js';
import { authenticity } from '../../../src/evaluation/metrics/authenticity.js';
import { densityCoverage } from '../../../src/evaluation/metrics/density-coverage.js';
import { inceptionScore } from '../../../src/evaluation/metrics/inception-score.js';
import { kernelDistance, kernelSpread } from '../../../src/evaluation/metrics/kid.js';
import { nearestNeighbors } from '../../../src/evaluation/metrics/neighbors.js';
import { msSsim, ssim } from '../../../src/evaluation/metrics/ssim.js';
import { cholesky, zeros } from '../../../src/evaluation/metrics/linear-algebra.js';
import { matmulTransposed, symmetricEigenvalues } from '../../../src/nn/double-matrix.js';
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

  test('a matrix of more than one block has the factor of its definition', () => {
    const root = { rows: 150, columns: 160, data: Float64Array.from(sample(150, 160, 3).data) };
    const matrix = matmulTransposed(root, root);
    const factor = cholesky(matrix);
    const product = matmulTransposed(factor, factor);
    for (const [i, value] of product.data.entries()) near(value, matrix.data[i] as number, 1e-9);
    for (let i = 0; i < 149; i++) assert.equal(factor.data[i * 150 + i + 1], 0);
  });

  test('a product keeps every bit of double precision', () => {
    const a = { rows: 1, columns: 2, data: Float64Array.of(1 + 2 ** -52, 1e300) };
    const b = { rows: 2, columns: 2, data: Float64Array.of(1, 0, 0, 1e-300) };
    const product = matmulTransposed(a, b);
    assert.equal(product.data[0], 1 + 2 ** -52);
    near(product.data[1] as number, 1, 1e-15);
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

describe('density, coverage and authenticity', () => {
  test('of a fresh sample are near those of the real distribution, and of a distant set zero', async () => {
    const real = sample(300, 4, 10);
    const fresh = await densityCoverage(real, sample(300, 4, 11));
    assert.ok(Math.abs(fresh.density - 1) < 0.15, String(fresh.density));
    assert.ok(fresh.coverage > 0.9, String(fresh.coverage));
    assert.deepEqual(await densityCoverage(real, sample(300, 4, 12, 100)), { density: 0, coverage: 0 });
    assert.equal(await authenticity(real, sample(300, 4, 12, 100)), 1);
  });

  test('slightly changed copies are not authentic, a fresh sample is as much as real images are', async () => {
    const real = sample(300, 6, 13);
    const noise = sample(300, 6, 14).data;
    const copies = { ...real, data: real.data.map((value, i) => value + 1e-3 * (noise[i] as number)) };
    assert.ok((await authenticity(real, copies)) < 0.01);
    assert.ok((await authenticity(real, sample(300, 6, 15))) > 0.4);
  });

  test('distances that float32 cannot tell apart are decided in double precision', async () => {
    // Points at 0, 1, 3 and 6 units of 1e-4 on a line, and one far away that spoils the centering.
    const at = (...units: number[]) => Float64Array.from(units, (unit) => 1000 + unit * 1e-4);
    const real = { rows: 5, columns: 1, data: Float64Array.of(...at(0, 1, 3, 6), -1e4) };
    const { indices } = await nearestNeighbors(real, real, 1);
    assert.deepEqual([...indices.subarray(0, 4)], [1, 0, 1, 2]);
    const fake = { rows: 2, columns: 1, data: at(0.9, 4.4) };
    // The radii are 1, 1, 2 and 3: both fakes are near their neighbor.
    assert.equal(await authenticity(real, fake), 0);
    const far = { rows: 2, columns: 1, data: at(-1.5, 9.5) };
    assert.equal(await authenticity(real, far), 1);
  });

  test('equal images are inside of balls of radius zero', async () => {
    const constant = { rows: 8, columns: 3, data: new Float64Array(24).fill(5) };
    assert.deepEqual(await densityCoverage(constant, constant), { density: 8 / 5, coverage: 1 });
    assert.deepEqual(await precisionRecall(constant, constant), { precision: 1, recall: 1 });
  });

  test('need more images than neighbors', async () => {
    await assert.rejects(densityCoverage(sample(5, 3, 16), sample(9, 3, 17)), RangeError);
    await assert.rejects(authenticity(sample(1, 3, 16), sample(9, 3, 17)), RangeError);
  });
});

test('the Inception Score is one for equal images, and the number of classes for certain, varied ones', () => {
  const certain = {
    rows: 40,
    columns: 4,
    data: Float64Array.from({ length: 160 }, (_, i) => (i % 4 === Math.floor(i / 4) % 4 ? 50 : 0)),
  };
  near(inceptionScore(certain).score, 4, 1e-9);
  near(inceptionScore(certain).spread, 0, 1e-9);
  const equal = { rows: 40, columns: 4, data: Float64Array.from({ length: 160 }, (_, i) => i % 4) };
  near(inceptionScore(equal).score, 1, 1e-9);
  assert.throws(() => inceptionScore({ rows: 9, columns: 4, data: new Float64Array(36) }), RangeError);
});

describe('structural similarity', () => {
  const image = (side: number, of: (i: number) => number) => ({
    side,
    channels: 1,
    pixels: Uint8Array.from({ length: side * side }, (_, i) => of(i)),
  });

  test('is one for equal images, constant ones too, and lower for others', () => {
    const textured = image(180, (i) => (i * 37) % 251);
    near(ssim(textured, textured), 1, 1e-12);
    near(msSsim(textured, textured), 1, 1e-12);
    const flat = image(180, () => 80);
    near(ssim(flat, flat), 1, 1e-12);
    const shifted = image(180, (i) => ((i + 5) * 37) % 251);
    assert.ok(ssim(textured, shifted) < 0.9);
    // Two constant images differ in brightness only: (2 a b + c) / (a^2 + b^2 + c).
    const c = (0.01 * 255) ** 2;
    near(
      ssim(
        flat,
        image(180, () => 90),
      ),
      (2 * 80 * 90 + c) / (80 ** 2 + 90 ** 2 + c),
      1e-12,
    );
  });

  test('needs equal sizes, and a whole window at the smallest size', () => {
    assert.throws(
      () =>
        ssim(
          image(10, () => 0),
          image(10, () => 0),
        ),
      RangeError,
    );
    assert.throws(
      () =>
        msSsim(
          image(160, () => 0),
          image(160, () => 0),
        ),
      RangeError,
    );
    near(
      msSsim(
        image(161, (i) => i % 200),
        image(161, (i) => i % 200),
      ),
      1,
      1e-12,
    );
    assert.throws(
      () =>
        ssim(
          image(20, () => 0),
          image(30, () => 0),
        ),
      RangeError,
    );
  });
});

test('the spread of the kernel distance is that of its choice of images', async () => {
  const real = sample(200, 8, 20);
  const spread = await kernelSpread(sample(200, 8, 21), real);
  assert.ok(spread > 0 && spread < 1, String(spread));
  const constant = { rows: 20, columns: 8, data: new Float64Array(160).fill(1) };
  near(await kernelSpread(constant, constant), 0, 1e-9);
});
