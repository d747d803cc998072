/** Heartbeats of an activity come from a timer, for as long as its work may be silent. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { MockActivityEnvironment } from '@temporalio/testing';
import { StalledError } from '../../../src/core/errors.js';
import { withHeartbeats, type WorkHeartbeat } from '../../../src/activities/heartbeat.js';

/** Runs work in an activity. @returns its heartbeats and its outcome */
async function observe(
  allowanceMs: number,
  work: Parameters<typeof withHeartbeats>[1],
  info: ConstructorParameters<typeof MockActivityEnvironment>[0] = {},
) {
  const environment = new MockActivityEnvironment(info);
  const heartbeats: WorkHeartbeat[] = [];
  environment.on('heartbeat', (details: WorkHeartbeat) => heartbeats.push(details));
  const outcome = await environment
    .run(() => withHeartbeats({ allowanceMs, intervalMs: 20 }, work))
    .catch((error: unknown) => error);
  return { heartbeats, outcome };
}

test('silent work sends heartbeats, with the progress of its last report', async () => {
  const { heartbeats, outcome } = await observe(5_000, async ({ onProgress }) => {
    onProgress({ done: 3, total: 9, unit: 'images' });
    await sleep(300);
    return 'done';
  });
  assert.equal(outcome, 'done');
  assert.ok(heartbeats.length > 3, `${heartbeats.length} heartbeats`);
  assert.deepEqual(
    [heartbeats.at(-1)?.done, heartbeats.at(-1)?.total, heartbeats.at(-1)?.unit],
    [3, 9, 'images'],
  );
});

test('work that hangs ends when its allowance is over, and is told to stop', async () => {
  let signal: AbortSignal | undefined;
  const { outcome } = await observe(100, async (controls) => {
    signal = controls.signal;
    await sleep(20_000, undefined, { ref: false });
  });
  assert.ok(outcome instanceof StalledError, String(outcome));
  assert.ok(signal?.aborted);
});

test('progress extends the allowance', async () => {
  const { outcome } = await observe(400, async ({ onProgress }) => {
    for (let done = 0; done < 12; done++) {
      onProgress({ done, unit: 'images' });
      await sleep(60);
    }
    return 'done';
  });
  assert.equal(outcome, 'done');
});

test('the time of the first attempt is carried on, and after a day without progress no attempt starts', async () => {
  const sinceMs = Date.now() - 25 * 3_600_000;
  const { outcome } = await observe(5_000, async () => 'done', {
    attempt: 2,
    heartbeatDetails: { done: 0, unit: '', attempt: 1, sinceMs },
  });
  assert.ok(outcome instanceof StalledError);
});
