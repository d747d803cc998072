/** Heartbeats of an activity come from a timer, for as long as its work may be silent. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { StoreUnavailableError } from '../../../src/core/errors.js';
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
  assert.ok(outcome instanceof ApplicationFailure && outcome.type === 'StalledError', String(outcome));
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

/** What the attempt before sent last. */
const previous = (changes: Partial<WorkHeartbeat>) => ({
  attempt: 2,
  heartbeatDetails: {
    done: 0,
    unit: '',
    attempt: 1,
    fruitlessAttempts: 3,
    progressMs: 0,
    atMs: 0,
    furthest: {},
    ...changes,
  },
});
const HOUR_MS = 3_600_000;

test('attempts without progress are counted, and progress ends the count', async () => {
  const now = Date.now();
  const info = previous({ progressMs: now - HOUR_MS, atMs: now - 1_000 });
  const { heartbeats } = await observe(
    5_000,
    async ({ onProgress }) => onProgress({ done: 1, unit: '' }),
    info,
  );
  assert.equal(heartbeats[0]?.fruitlessAttempts, 4);
  assert.equal(heartbeats[0]?.progressMs, now - HOUR_MS);
  assert.equal(heartbeats.at(-1)?.fruitlessAttempts, 0);
  assert.ok((heartbeats.at(-1)?.progressMs ?? 0) >= now);
});

test('an attempt that ends where those before did is one without progress', async () => {
  const now = Date.now();
  const reachesTheSameImage: Parameters<typeof withHeartbeats>[1] = async ({ onProgress }) => {
    onProgress({ done: 0, unit: 'waiting' });
    for (let done = 1; done <= 7; done++) onProgress({ done, unit: 'images' });
  };
  const first = await observe(5_000, reachesTheSameImage);
  assert.equal(first.heartbeats.at(-1)?.fruitlessAttempts, 0);
  const again = { attempt: 2, heartbeatDetails: { ...first.heartbeats.at(-1), progressMs: now - HOUR_MS } };
  const second = await observe(5_000, reachesTheSameImage, again);
  assert.equal(second.heartbeats.at(-1)?.fruitlessAttempts, 1);
  const third = await observe(5_000, async ({ onProgress }) => onProgress({ done: 8, unit: 'images' }), {
    attempt: 3,
    heartbeatDetails: second.heartbeats.at(-1),
  });
  assert.equal(third.heartbeats.at(-1)?.fruitlessAttempts, 0);
});

test('time in the queue of the device is not time without progress', async () => {
  const info = previous({ progressMs: Date.now() - HOUR_MS, atMs: Date.now() });
  const { heartbeats } = await observe(
    5_000,
    async ({ onProgress }) => onProgress({ done: 0, unit: 'waiting' }),
    info,
  );
  assert.ok(Date.now() - (heartbeats.at(-1)?.progressMs ?? 0) < HOUR_MS / 2);
  assert.equal(heartbeats.at(-1)?.fruitlessAttempts, 4);
});

test('an outage does not count as an attempt without progress', async () => {
  const info = previous({ progressMs: Date.now(), atMs: Date.now() });
  const { heartbeats, outcome } = await observe(
    5_000,
    async () => {
      throw new StoreUnavailableError({ what: 'the store does not answer' });
    },
    info,
  );
  assert.ok(outcome instanceof ApplicationFailure && !outcome.nonRetryable);
  assert.equal(heartbeats.at(-1)?.fruitlessAttempts, 3);
});

test('a weekend without a worker does not count as time without progress', async () => {
  const friday = Date.now() - 60 * HOUR_MS;
  const info = previous({ progressMs: friday, atMs: friday + HOUR_MS });
  const { heartbeats } = await observe(5_000, async () => 'done', info);
  assert.ok(Date.now() - (heartbeats[0]?.progressMs ?? 0) < 2 * HOUR_MS);
});

test('work whose worker is killed again and again ends with that reason', async () => {
  const info = previous({ fruitlessAttempts: 16, progressMs: Date.now(), atMs: Date.now() });
  const { outcome } = await observe(5_000, async () => 'done', info);
  assert.ok(outcome instanceof ApplicationFailure && outcome.nonRetryable);
  assert.match(outcome.message, /killed or lost/);
});
