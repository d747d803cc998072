/** When a training has converged. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CurveHead } from '../../../src/spec/curve-head.js';
import { checkConvergence, NOT_CONVERGED } from '../../../src/spec/convergence.js';

const curve = (...values: number[]) =>
  values.map((value, i) => ({ kimg: (i + 1) * 4, metric: 'fd_effnetlite0', value }));
const stopWhen = { metric: 'fd_effnetlite0', patience: 2, minDelta: 1 } as const;

test('nothing has converged before the first snapshot', () => {
  assert.deepEqual(checkConvergence([], stopWhen), NOT_CONVERGED);
});

test('a metric that keeps decreasing does not converge, and the last snapshot is the best', () => {
  const convergence = checkConvergence(curve(90, 80, 70, 60), stopWhen);
  assert.equal(convergence.converged, false);
  assert.equal(convergence.best?.value, 60);
});

test('a training converges after `patience` snapshots without improvement, and the best is not the last', () => {
  const convergence = checkConvergence(curve(90, 80, 85, 84), stopWhen);
  assert.equal(convergence.converged, true);
  assert.equal(convergence.best?.kimg, 8);
});

test('improvements smaller than minDelta do not count as improvement, yet the best is still the lowest', () => {
  const convergence = checkConvergence(curve(90, 80, 79.5, 79.2), stopWhen);
  assert.equal(convergence.converged, true);
  assert.equal(convergence.best?.value, 79.2);
});

test('the outcome does not depend on the order in which evaluations finish, nor on how far training ran ahead', () => {
  const points = curve(90, 80, 85, 84, 10);
  assert.deepEqual(checkConvergence(points, stopWhen), checkConvergence([...points].reverse(), stopWhen));
  assert.equal(checkConvergence(points, stopWhen).best?.value, 80);
});

test('without a stop rule the best snapshot is still known and nothing converges', () => {
  const convergence = checkConvergence(curve(90, 70, 85, 99, 99, 99), null);
  assert.equal(convergence.converged, false);
  assert.equal(convergence.best?.value, 70);
});

test('an improvement within the noise of the metric is none, and improvements add up until they are one', () => {
  const noisy = (half: number, ...values: number[]) =>
    curve(...values).map((point) => ({
      ...point,
      interval: { low: point.value - half, high: point.value + half },
    }));
  const falling = [90, 87, 84, 81, 78];
  assert.equal(checkConvergence(noisy(10, ...falling), stopWhen).converged, true);
  assert.equal(checkConvergence(noisy(3, ...falling), stopWhen).converged, false, '6 is more than 4.2');
  assert.equal(checkConvergence(curve(...falling), stopWhen).converged, false, 'no interval is no noise');
  assert.equal(checkConvergence(noisy(10, ...falling), stopWhen).best?.value, 84, 'the lowest until then');
});

test('a curve of 10,000 snapshots is carried in little space, and decides as the whole one does', () => {
  const values = Array.from(
    { length: 10_000 },
    (_, i) => 50 + 50 / (1 + i) + (i === 7_001 ? -49 : (i * 7) % 5),
  );
  const points = curve(...values);
  const patient = { ...stopWhen, patience: 20_000 };
  let head = new CurveHead(patient);
  for (let i = 0; i < points.length; i += 2) {
    // Evaluations end out of order, and histories end.
    head.add(points.slice(i, i + 2).reverse());
    if (i % 1_000 === 0) head = new CurveHead(patient, structuredClone(head.carried));
  }
  assert.deepEqual(head.convergence, checkConvergence(points, patient));
  assert.equal(head.convergence.best?.kimg, points[7_001]?.kimg);
  assert.ok(
    head.points.some(({ kimg }) => kimg === points[7_001]?.kimg),
    'the best is kept',
  );
  assert.ok(JSON.stringify(head.carried).length < 100_000);
});
