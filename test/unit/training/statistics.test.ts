/** Lines of stats.jsonl. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TrainingCounters } from '../../../src/checkpoints/manifest.js';
import { collect, endTick } from '../../../src/training/statistics.js';

const counters = (): TrainingCounters => ({
  step: 10,
  images: 4000,
  dataPosition: 4000,
  augmentation: { p: 0, images: 0, signs: 0 },
  tick: { index: 2, startImages: 2000, startSeconds: 10, moments: {} },
  seconds: 30,
});

test('a line gives number, mean and standard deviation of each statistic since the last one', () => {
  const state = counters();
  collect(state.tick, 'Loss/G/loss', [1, 3]);
  collect(state.tick, 'Loss/G/loss', Float32Array.of(5));
  const { line, tick } = endTick(state, 1_700_000_000_500);
  const record = JSON.parse(line);
  assert.deepEqual(record['Loss/G/loss'], { num: 3, mean: 3, std: Math.sqrt(35 / 3 - 9) });
  assert.deepEqual(record['Progress/tick'], { num: 1, mean: 2, std: 0 });
  assert.deepEqual(record['Progress/kimg'], { num: 1, mean: 4, std: 0 });
  assert.deepEqual(record['Timing/sec_per_kimg'], { num: 1, mean: 10, std: 0 });
  assert.equal(record.timestamp, 1_700_000_000.5);
  assert.deepEqual(tick, { index: 3, startImages: 4000, startSeconds: 30, moments: {} });
});

test('sums that went through a checkpoint in the middle of a tick give the same line', () => {
  const values = Array.from({ length: 50 }, (_, i) => Math.sin(i) / 3);
  const through = counters();
  const direct = counters();
  for (const [i, value] of values.entries()) {
    collect(direct.tick, 'x', [value]);
    collect(through.tick, 'x', [value]);
    if (i === 20) through.tick = JSON.parse(JSON.stringify(through.tick));
  }
  const withoutMemory = (line: string) => line.replace(/"Resources[^}]*}/, '');
  assert.equal(withoutMemory(endTick(through, 0).line), withoutMemory(endTick(direct, 0).line));
});
