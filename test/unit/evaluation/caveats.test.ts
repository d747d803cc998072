/** What is said beside the numbers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zeroCaveats } from '../../../src/evaluation/caveats.js';
import { findMetricValue } from '../../../src/spec/metrics.js';

const floorOf = (name: string) => findMetricValue(name)?.floor ?? null;
const of = (values: Record<string, number>) => zeroCaveats(values, floorOf);

test('a precision of 0 is never shown without a word, and what two real sets reach stands beside it', () => {
  const precision = 'pr_effnetlite0.holdout.precision';
  const floor = 'pr_effnetlite0.train_vs_holdout.precision';
  assert.match(of({ [precision]: 0, [floor]: 0.61 }).join(), /precision is 0: .* Two real sets reach 0\.610/);
  assert.match(of({ [precision]: 0, [floor]: 0 }).join(), /too few to say anything/);
  assert.match(of({ [precision]: 0.0004 }).join(), /no value of two real sets/);
  assert.deepEqual(of({ [precision]: 0.2, [floor]: 0.6 }), []);
  assert.deepEqual(of({ 'fd_effnetlite0.holdout': 0, 'images.train': 0 }), []);
});

test('every value of synthetic images knows its sets and the value to read it by', () => {
  const value = findMetricValue('dc_inception.train.coverage');
  assert.deepEqual(value?.sets, ['synthetic', 'train']);
  assert.equal(value?.floor, 'dc_inception.train_vs_holdout.coverage');
  assert.equal(findMetricValue('is50k.synthetic.spread')?.floor, 'is50k.real.spread');
  assert.equal(findMetricValue('fid50k_full.train_vs_holdout')?.floor, null);
  assert.equal(findMetricValue('images.train'), undefined);
});
