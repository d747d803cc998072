/** The seeded random source. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RandomStream } from '../../../src/core/random.js';

test('the same seed and stream give the same numbers, another stream gives others', () => {
  const a = new RandomStream(7, 'order');
  const b = new RandomStream(7, 'order');
  const c = new RandomStream(7, 'mirror');
  const draws = Array.from({ length: 5 }, () => a.uniform());
  assert.deepEqual(
    draws,
    Array.from({ length: 5 }, () => b.uniform()),
  );
  assert.notDeepEqual(
    draws,
    Array.from({ length: 5 }, () => c.uniform()),
  );
});

test('a stream continues from a saved position without a difference', () => {
  const whole = new RandomStream(1, 's');
  const first = Array.from({ length: 3 }, () => whole.next());
  const resumed = new RandomStream(1, 's', whole.position);
  assert.deepEqual([whole.next(), whole.next()], [resumed.next(), resumed.next()]);
  assert.equal(first.length, 3);
});

test('normals have mean 0 and variance 1', () => {
  const random = new RandomStream(3, 'n');
  const draws = Array.from({ length: 20_000 }, () => random.normal());
  const mean = draws.reduce((sum, x) => sum + x, 0) / draws.length;
  const variance = draws.reduce((sum, x) => sum + (x - mean) ** 2, 0) / draws.length;
  assert.ok(Math.abs(mean) < 0.03 && Math.abs(variance - 1) < 0.04);
});

test('a shuffle keeps every item', () => {
  const items = Array.from({ length: 50 }, (_, i) => i);
  assert.deepEqual(
    new RandomStream(2, 'x').shuffle(items).sort((a, b) => a - b),
    items,
  );
});
