/**
 * Heartbeats of activities: a timer sends them while the work makes progress within its allowance.
 */
import { Context, type Info } from '@temporalio/activity';
import { GistError, StalledError } from '../core/errors.js';
import type { OnProgress, Progress } from '../core/progress.js';
import { asFailure, assertNotHopeless } from './failures.js';

/** What long-running domain code receives from its activity. */
export interface WorkControls {
  onProgress: OnProgress;
  signal: AbortSignal;
}

/** Details of a heartbeat; the next attempt reads them. */
export interface WorkHeartbeat extends Progress {
  attempt: number;
  /** Consecutive attempts without progress, this one included; outages do not count. */
  fruitlessAttempts: number;
  /** Last progress, or the start of the first attempt; milliseconds since 1970. */
  sinceMs: number;
  /** When it was sent. */
  atMs: number;
}

/** A longer gap between two attempts means that no worker was there: it does not count. */
const UNATTENDED_MS = 10 * 60_000;

const MINUTE_MS = 60_000;

/**
 * Longest time without progress of each kind of work, on the slowest machine that is expected.
 * Work that takes longer hangs.
 */
const ALLOWANCES_MS = {
  /** One page of a list of objects, or the writing of a plan of millions of images. */
  listing: 15 * MINUTE_MS,
  /** One image of a shard. */
  images: 10 * MINUTE_MS,
  /** One shard's entry in a manifest; a large archive. */
  assembling: 30 * MINUTE_MS,
  /** One batch on TensorFlow, graphs to compile included. */
  computing: 30 * MINUTE_MS,
} as const;

interface Rhythm {
  /** Longest time without progress. */
  allowanceMs: number;
  /** Between heartbeats; less than a tenth of the heartbeat timeout by default. */
  intervalMs?: number;
}

const INTERVAL_MS = 10_000;

/**
 * Runs the work of an activity with heartbeats.
 *
 * @throws ApplicationFailure that says what follows; StalledError, when the work makes no progress
 *   for longer than its allowance, becomes one too
 */
export async function withHeartbeats<Result>(
  kind: keyof typeof ALLOWANCES_MS | Rhythm,
  work: (controls: WorkControls) => Promise<Result>,
): Promise<Result> {
  const { allowanceMs, intervalMs = INTERVAL_MS }: Rhythm =
    typeof kind === 'string' ? { allowanceMs: ALLOWANCES_MS[kind] } : kind;
  const context = Context.current();
  const stall = new AbortController();
  const heartbeat = firstHeartbeat(context.info);
  const beat = () => context.heartbeat({ ...heartbeat, atMs: Date.now() });
  let progressedAt = performance.now();
  const timer = setInterval(() => {
    if (performance.now() - progressedAt < allowanceMs) beat();
    else stall.abort(stalled(allowanceMs));
  }, intervalMs);
  const onProgress = ({ done, total, unit }: Progress) => {
    Object.assign(heartbeat, { done, total, unit, fruitlessAttempts: 0, sinceMs: Date.now() });
    progressedAt = performance.now();
    beat();
  };
  beat();
  try {
    assertNotHopeless(heartbeat.fruitlessAttempts);
    const signal = AbortSignal.any([context.cancellationSignal, stall.signal]);
    return await Promise.race([work({ onProgress, signal }), rejectedBy(stall.signal)]);
  } catch (error) {
    const { fruitlessAttempts, sinceMs } = heartbeat;
    if (isOutage(error)) heartbeat.fruitlessAttempts = Math.max(0, fruitlessAttempts - 1);
    beat();
    throw asFailure(error, { attempt: Math.max(1, fruitlessAttempts), elapsedMs: Date.now() - sinceMs });
  } finally {
    clearInterval(timer);
  }
}

/** Continues the counts of the attempt before. */
function firstHeartbeat({ attempt, heartbeatDetails }: Info): WorkHeartbeat {
  const previous = heartbeatDetails as WorkHeartbeat | undefined;
  const atMs = Date.now();
  return {
    done: 0,
    unit: '',
    attempt,
    fruitlessAttempts: (previous?.fruitlessAttempts ?? 0) + 1,
    sinceMs: previous ? attendedSince(previous.sinceMs, previous.atMs) : atMs,
    atMs,
  };
}

/**
 * The time of the last progress, moved by a long gap during which no worker was there.
 *
 * @param atMs when the attempt before sent its last heartbeat
 */
export function attendedSince(sinceMs: number, atMs: number): number {
  const gapMs = Date.now() - atMs;
  return gapMs > UNATTENDED_MS ? sinceMs + gapMs : sinceMs;
}

/** Whether time alone can end a failure: such an attempt does not count as fruitless. */
export function isOutage(error: unknown): boolean {
  return error instanceof GistError && error.causeClass === 'world';
}

function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
  );
}

function stalled(milliseconds: number): StalledError {
  return new StalledError({
    what: `the work made no progress for ${milliseconds / MINUTE_MS} minutes`,
    hint: 'If the next attempt hangs too, look for a folder or a server that does not answer.',
  });
}
