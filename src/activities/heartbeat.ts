/**
 * Heartbeats of activities: a timer sends them while the work makes progress within its allowance.
 */
import { Context, type Info } from '@temporalio/activity';
import { rejectedBy } from '../core/abort.js';
import { StalledError } from '../core/errors.js';
import { type OnProgress, type Progress, WAITING } from '../core/progress.js';
import type { AttemptCount } from '../spec/controls.js';
import {
  assertNotHopeless,
  continueCount,
  forgiveAttempt,
  fruitlessOf,
  isOutage,
  recordProgress,
  recordWaiting,
} from './attempt-count.js';
import { asFailure } from './failures.js';

/** What long-running domain code receives from its activity. */
export interface WorkControls {
  onProgress: OnProgress;
  signal: AbortSignal;
}

/** Details of a heartbeat; the next attempt reads them. */
export interface WorkHeartbeat extends Progress, AttemptCount {
  /**
   * Units that the best attempt finished, by their name. Each attempt starts from the first: one
   * that reaches the same unit as those before has made no progress.
   */
  furthest: Record<string, number>;
}

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
  const heartbeat = startHeartbeat(context.info);
  const beat = () => context.heartbeat({ ...heartbeat, atMs: Date.now() });
  let progressedAt = performance.now();
  const timer = setInterval(() => {
    if (performance.now() - progressedAt < allowanceMs) beat();
    else stall.abort(stalled(allowanceMs));
  }, intervalMs);
  const onProgress = ({ done, total, unit }: Progress) => {
    Object.assign(heartbeat, { done, total, unit });
    recordReport(heartbeat);
    progressedAt = performance.now();
    beat();
  };
  beat();
  try {
    assertNotHopeless(heartbeat);
    const signal = AbortSignal.any([context.cancellationSignal, stall.signal]);
    return await Promise.race([work({ onProgress, signal }), rejectedBy(stall.signal)]);
  } catch (error) {
    const fruitless = fruitlessOf(heartbeat);
    if (isOutage(error)) forgiveAttempt(heartbeat);
    beat();
    throw asFailure(error, fruitless);
  } finally {
    clearInterval(timer);
  }
}

function startHeartbeat(info: Info): WorkHeartbeat {
  const previous = info.heartbeatDetails as WorkHeartbeat | undefined;
  return { done: 0, unit: '', furthest: { ...previous?.furthest }, ...continueCount(info) };
}

function recordReport(heartbeat: WorkHeartbeat): void {
  const { done, unit, furthest } = heartbeat;
  if (unit === WAITING) {
    recordWaiting(heartbeat);
  } else if (done > (furthest[unit] ?? 0)) {
    furthest[unit] = done;
    recordProgress(heartbeat);
  }
}

function stalled(milliseconds: number): StalledError {
  return new StalledError({
    what: `the work made no progress for ${milliseconds / MINUTE_MS} minutes`,
    hint: 'If the next attempt hangs too, look for a folder or a server that does not answer.',
  });
}
