/** Attempts of an activity without progress, counted in its heartbeats from attempt to attempt. */
import type { Info } from '@temporalio/activity';
import { GistError, StalledError } from '../core/errors.js';
import { FAILURE_POLICIES } from '../core/failure-policy.js';
import type { AttemptCount } from '../spec/controls.js';
import type { Fruitless } from './failures.js';

/** A longer gap between two attempts means that no worker was there: it does not count. */
const UNATTENDED_MS = 10 * 60_000;

/** Continues the count of the attempt before. */
export function continueCount({ attempt, heartbeatDetails }: Info): AttemptCount {
  const previous = heartbeatDetails as AttemptCount | undefined;
  const atMs = Date.now();
  return {
    attempt,
    fruitlessAttempts: (previous?.fruitlessAttempts ?? 0) + 1,
    progressMs: previous ? attendedSince(previous) : atMs,
    atMs,
  };
}

/** The time of the last progress, moved by a long gap during which no worker was there. */
function attendedSince({ progressMs, atMs }: AttemptCount): number {
  const gapMs = Date.now() - atMs;
  return gapMs > UNATTENDED_MS ? progressMs + gapMs : progressMs;
}

export function recordProgress(count: AttemptCount): void {
  Object.assign(count, { fruitlessAttempts: 0, progressMs: Date.now() });
}

/** Time that work waits for its turn is not time without progress; the attempts still count. */
export function recordWaiting(count: AttemptCount): void {
  count.progressMs = Date.now();
}

/** An attempt that was interrupted on request, or by an outage, does not count as fruitless. */
export function forgiveAttempt(count: AttemptCount): void {
  count.fruitlessAttempts = Math.max(0, count.fruitlessAttempts - 1);
}

export function fruitlessOf({ fruitlessAttempts, progressMs }: AttemptCount): Fruitless {
  return { attempt: Math.max(1, fruitlessAttempts), elapsedMs: Date.now() - progressMs };
}

/**
 * A worker that is killed reports no failure, so that nothing else would end such attempts.
 *
 * @throws StalledError after twice the attempts that end with a failure
 */
export function assertNotHopeless({ fruitlessAttempts }: AttemptCount): void {
  if (fruitlessAttempts <= 2 * FAILURE_POLICIES.worker.attempts) return;
  throw new StalledError({
    what: `${fruitlessAttempts - 1} attempts ended without progress, the last ones without an error: their worker was killed or lost`,
    hint: 'Look for memory pressure on the machine of the worker.',
  });
}

/** Whether time alone can end a failure. */
export function isOutage(error: unknown): boolean {
  return error instanceof GistError && error.causeClass === 'world';
}
