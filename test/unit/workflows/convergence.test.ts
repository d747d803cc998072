/** When a training has converged. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkConvergence } from '../../../src/workflows/convergence.js';

const curve = (...values: number[]) =>
  values.map((value, i) => ({ kimg: (i + 1) * 4, metric: 'fd_effnetlite0', value }));
const stopWhen = { metric: 'fd_effnetlite0', patience: 2, minDelta: 1 } as const;

test('nothing has converged before the first snapshot', () => {
  assert.deepEqual(checkConvergence([], stopWhen), { best: null, converged: false });
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
