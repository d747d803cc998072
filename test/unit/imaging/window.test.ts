/** The range of values that becomes 0 to 255. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { applyRange, percentileRange } from '../../../src/imaging/pixels/window.js';

test('percentiles are interpolated between samples, whatever the type of the samples', () => {
  const values = Array.from({ length: 101 }, (_, i) => (i * 37) % 101);
  const expected = { low: 2.5, high: 97.5 };
  for (const samples of [
    values,
    Uint8Array.from(values),
    Uint16Array.from(values),
    Float32Array.from(values),
  ])
    assert.deepEqual(percentileRange(samples, [2.5, 97.5]), expected);
  const signed = Int16Array.from(values, (value) => value - 1000);
  assert.deepEqual(percentileRange(signed, [2.5, 97.5]), { low: -997.5, high: -902.5 });
  assert.deepEqual(percentileRange(values, [0, 100]), { low: 0, high: 100 });
});

test('padding does not count for percentiles', () => {
  const values = Int16Array.from([-2000, -2000, -2000, 10, 20, 30]);
  assert.deepEqual(
    percentileRange(values, [0, 100], (value) => value === -2000),
    { low: 10, high: 30 },
  );
  assert.deepEqual(
    percentileRange(values, [0, 100], () => true),
    { low: 0, high: 255 },
  );
});

test('a range maps linearly to 0 to 255, rounded and clipped', () => {
  const values = Int16Array.from([-500, -100, 0, 50, 100, 3000]);
  assert.deepEqual([...applyRange(values, { low: -100, high: 100 })], [0, 0, 128, 191, 255, 255]);
  assert.deepEqual([...applyRange(values, { low: -100, high: 100 }, true)], [255, 255, 127, 64, 0, 0]);
});

test('a range without width separates the values at and above it', () => {
  assert.deepEqual([...applyRange([6, 7, 8], { low: 7, high: 7 })], [0, 0, 255]);
});
