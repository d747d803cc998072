/** How long a step of a training may take before it counts as hung. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BUILD_ALLOWANCE_MS } from '../../../src/training/controls.js';
import { StepAllowance } from '../../../src/training/step-allowance.js';

const SCHEDULE = [
  { phase: 'main', interval: 1 },
  { phase: 'lazy', interval: 4 },
];

test('a step that compiles a phase has the time of a build, and does not lengthen that of later steps', () => {
  // Resumed at step 1: the lazy phase first runs at step 4.
  const allowance = new StepAllowance(SCHEDULE);
  assert.equal(allowance.of(1), BUILD_ALLOWANCE_MS);
  allowance.record(1, 300_000);
  for (const step of [2, 3]) allowance.record(step, 4_000);
  assert.ok(allowance.compiles(4));
  assert.equal(allowance.of(4), BUILD_ALLOWANCE_MS);
  allowance.record(4, 200_000);
  assert.ok(!allowance.compiles(8));
  assert.equal(allowance.of(5), 80_000);
});

test('the time follows the recent steps, and one slow step does not raise it', () => {
  const allowance = new StepAllowance(SCHEDULE);
  allowance.record(0, 100_000);
  for (let step = 1; step <= 40; step++) allowance.record(step, step === 20 ? 500_000 : 5_000);
  assert.equal(allowance.of(41), 100_000);
  for (let step = 41; step <= 80; step++) allowance.record(step, 10_000);
  assert.equal(allowance.of(81), 200_000);
});

test('fast steps have a minute', () => {
  const allowance = new StepAllowance(SCHEDULE);
  for (let step = 0; step < 9; step++) allowance.record(step, 20);
  assert.equal(allowance.of(9), 60_000);
});
