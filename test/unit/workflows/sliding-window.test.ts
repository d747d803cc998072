/** Shards in flight. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slidingWindow } from '../../../src/workflows/sliding-window.js';

test('every index is worked on once, never more than the width at a time', async () => {
  const seen: number[] = [];
  let inFlight = 0;
  let most = 0;
  await slidingWindow({ from: 3, to: 40, width: 4 }, async (index) => {
    most = Math.max(most, ++inFlight);
    await new Promise((resolve) => setTimeout(resolve, index % 3));
    inFlight--;
    seen.push(index);
  });
  assert.deepEqual(
    seen.sort((a, b) => a - b),
    Array.from({ length: 37 }, (_, i) => i + 3),
  );
  assert.equal(most, 4);
});

test('the first failure is thrown only when no work is in progress, and no further work is started', async () => {
  let inFlight = 0;
  let started = 0;
  await assert.rejects(
    slidingWindow({ from: 0, to: 100, width: 3 }, async (index) => {
      started++;
      inFlight++;
      await new Promise((resolve) => setTimeout(resolve, 2));
      inFlight--;
      if (index === 4) throw new Error('shard 4');
    }),
    /shard 4/,
  );
  assert.equal(inFlight, 0);
  assert.ok(started < 10);
});

test('a stop ends it within the work in flight, and the returned index continues it', async () => {
  const seen: number[] = [];
  const work = async (index: number) => void seen.push(index);
  const next = await slidingWindow({ from: 0, to: 100, width: 3 }, work, () => seen.length >= 10);
  assert.ok(next >= 10 && next <= 12, String(next));
  assert.equal(await slidingWindow({ from: next, to: 100, width: 3 }, work), 100);
  assert.deepEqual(
    seen.sort((a, b) => a - b),
    Array.from({ length: 100 }, (_, i) => i),
  );
});
