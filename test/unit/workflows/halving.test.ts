/** Successive halving: which settings continue, and when. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HyperparameterSweepSpec, SettingPoint } from '../../../src/spec/hyperparameter-sweep.js';
import type { SweepRun, SweepRunState } from '../../../src/spec/sweep.js';
import { promoted } from '../../../src/workflows/halving.js';

/** Rungs at 10, 30 and 90 kimg. */
const SPEC = {
  run: { train: { kimg: 90, snapshotKimg: 10 } },
  halving: { minKimg: 10, factor: 3 },
} as unknown as HyperparameterSweepSpec;

function run(
  setting: string,
  value: number | null,
  { kimg = 10, repeat = 0, state = 'done' as SweepRunState } = {},
): SweepRun<SettingPoint> {
  const point = { setting, values: {}, repeat, kimg };
  return { runId: `s-${setting}-${repeat}`, point, rungKimg: kimg, state, ...(value !== null && { value }) };
}

const names = (runs: SweepRun<SettingPoint>[]) =>
  promoted(runs, SPEC).map(({ setting, kimg, repeat }) => `${setting}-${repeat} ${kimg}`);

test('the best third of those that have ended continues while others still run', () => {
  const ended = ['a', 'b', 'c'].map((name, i) => run(name, 30 - i));
  const running = [run('d', null, { state: 'running' }), run('e', null, { state: 'waiting' })];
  assert.deepEqual(names([...ended.slice(0, 2), ...running]), [], 'one third of two is none');
  assert.deepEqual(names([...ended, ...running]), ['c-0 30']);
  assert.deepEqual(names([...ended, ...running, run('c', null, { kimg: 30, state: 'running' })]), []);
});

test('a setting is judged by the mean of its repeats once all have ended, and failed ones do not count', () => {
  const half = [run('a', 1), run('a', null, { repeat: 1, state: 'running' })];
  const others = ['b', 'c', 'd'].flatMap((name, i) => [run(name, 10 + i), run(name, 20, { repeat: 1 })]);
  assert.deepEqual(names([...half, ...others]), ['b-0 30', 'b-1 30']);
  const failed = [run('a', 1), run('a', null, { repeat: 1, state: 'failed' })];
  assert.deepEqual(names([...failed, ...others]), ['a-0 30']);
});

test('the default always continues, without taking the place of another one', () => {
  const ended = ['a', 'b', 'c'].map((name, i) => run(name, i));
  assert.deepEqual(names([run('default', 99), ...ended]), ['a-0 30', 'default-0 30']);
  assert.deepEqual(names([run('default', 0), ...ended]), ['a-0 30', 'default-0 30']);
});

test('when nothing is left to wait for, the best of a rung reaches the next one in any case', () => {
  const few = [run('default', 5), run('a', 3), run('b', 4)];
  assert.deepEqual(names(few), ['a-0 30', 'default-0 30']);
  const above = [run('a', 2, { kimg: 30 }), run('default', 3, { kimg: 30 })];
  assert.deepEqual(names([...few, ...above]), ['a-0 90', 'default-0 90']);
  const top = [run('a', 1, { kimg: 90 }), run('default', 1, { kimg: 90 })];
  assert.deepEqual(names([...few, ...above, ...top]), []);
  assert.deepEqual(names([...few, run('a', null, { kimg: 30, state: 'running' })]), ['default-0 30']);
});

test('a rung whose settings all fail ends there', () => {
  assert.deepEqual(names([run('a', null, { state: 'failed' })]), []);
});
