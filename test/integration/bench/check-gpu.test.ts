/** `npm run check:gpu` at toy size on a CPU. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
const SCRIPT = path.join(ROOT, 'scripts/check-gpu.mjs');

interface Outcome {
  card: null;
  passed: boolean;
  parity: { form: string; agrees: boolean }[];
  trainings: { resumed: { killedAt: number[]; resumedFrom: number[]; differing: number } };
  steps: { name: string; failed?: string; imagesPerSecond: number; peakBytes: number }[];
}

test('the check of a GPU runs at toy size on a CPU, and everything agrees there', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [SCRIPT, '--toy', '--json'], { cwd: ROOT });
  const outcome = JSON.parse(stdout) as Outcome;
  assert.ok(outcome.passed, stdout);
  assert.equal(outcome.card, null);
  assert.ok(outcome.parity.every(({ agrees }) => agrees));
  assert.equal(outcome.trainings.resumed.differing, 0);
  const { killedAt, resumedFrom } = outcome.trainings.resumed;
  assert.ok(killedAt.length > 0 && resumedFrom.length === 2, 'each killed attempt left a checkpoint');
  for (const { name, failed, imagesPerSecond, peakBytes } of outcome.steps)
    assert.ok(failed === undefined && imagesPerSecond > 0 && peakBytes > 2 ** 20, name);
});
