/** A sweep whose worker processes are killed: none of its runs is lost, and none trains twice. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runKilledSweep } from '../support/killed-sweep.js';

test('a sweep of fifteen runs whose workers are killed trains each run once and records all', async () => {
  const outcome = await runKilledSweep({
    ...{ children: 15, workers: 2, devices: 4, kimg: 10 },
    ...{ kills: 2, betweenKillsMs: 5_000 },
  });
  assert.deepEqual(outcome.result.runs, { done: 15 });
  assert.equal(outcome.kills, 2);
  assert.deepEqual([outcome.lost, outcome.doubled], [0, 0]);
});
