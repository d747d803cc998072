/** Tests of what numbers of a training may be kept. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TrainingError } from '../../../src/core/errors.js';
import { assertFinite } from '../../../src/training/finite.js';

for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
  test(`a state with a ${value} in it is refused, with the name of the variable`, () => {
    const state = { 'G.weight': Float32Array.of(0, 1), 'G_ema.weight': Float32Array.of(0, 1, value) };
    assert.throws(
      () => assertFinite(state, 7),
      (error) =>
        error instanceof TrainingError && error.what === 'G_ema.weight is no longer finite after step 7',
    );
  });
}

test('a state of finite values is kept, the largest and the smallest among them', () => {
  assertFinite({ 'D.weight': Float32Array.of(3.4e38, -3.4e38, 1e-45, -0) }, 7);
});
