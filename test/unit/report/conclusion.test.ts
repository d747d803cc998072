/** What a report concludes from its values. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conclude } from '../../../src/report/conclusion.js';
import type { ReportInput } from '../../../src/report/report-input.js';
import { ANALYSES, fullReport } from '../../support/report-input.js';

async function concluded(distance: number, change: Partial<ReportInput> = {}) {
  const input = await fullReport();
  const metrics = {
    ...input.metrics,
    'images.holdout': 2000,
    'images.synthetic': 2000,
    'fd_effnetlite0.holdout': distance,
    'fd_effnetlite0.train_vs_holdout': 20,
  };
  const good = ANALYSES.map((analysis) => ({ ...analysis, level: 'good' as const }));
  return conclude({ ...input, metrics, intervals: {}, analyses: good, ...change });
}

test('the level follows the distance beside that of two real sets', async () => {
  assert.equal((await concluded(22)).level, 'good');
  assert.equal((await concluded(35)).level, 'caution');
  assert.equal((await concluded(70)).level, 'caution');
  const { level, shows } = await concluded(200);
  assert.equal(level, 'warning');
  assert.ok(shows.some((text) => text.includes('10.0 times as far away: they are far from real images')));
});

test('a distance whose interval overlaps that of real sets is no difference', async () => {
  const intervals = {
    'fd_effnetlite0.holdout': { low: 20, high: 32 },
    'fd_effnetlite0.train_vs_holdout': { low: 16, high: 24 },
  };
  assert.equal((await concluded(26)).level, 'caution');
  assert.equal((await concluded(26, { intervals })).level, 'good');
});

test('the worst analysis decides, and each is quoted in order', async () => {
  const { level, shows } = await concluded(20, { analyses: ANALYSES });
  assert.equal(level, 'warning');
  const quoted = shows.filter((text) => ANALYSES.some(({ statement }) => text.includes(statement)));
  assert.deepEqual(
    quoted.map((text) => text.split(':')[0]),
    [
      'Copies of training images',
      'Faults of single images',
      'What the distance is made of',
      'Use for classifiers',
    ],
  );
});

test('what was not computed is named, and without a search for copies no level is good', async () => {
  const { level, limits } = await concluded(20, { analyses: [] });
  assert.equal(level, 'caution');
  assert.equal(limits.filter((text) => text.startsWith('Nothing here ')).length, 4);
});

test('few images and a missing holdout are named', async () => {
  const input = await fullReport();
  const few = await concluded(20, { metrics: input.metrics });
  assert.ok(few.limits.some((text) => text.includes('120 unseen real and 480 synthetic images')));
  const { limits, level } = await concluded(20, {
    metrics: { 'images.train': 480, 'images.synthetic': 480, 'fd_effnetlite0.train': 3 },
    dataset: { ...input.dataset, holdout: 0 },
  });
  assert.equal(level, 'caution');
  assert.ok(limits.some((text) => text.startsWith('No real images were held out')));
});
