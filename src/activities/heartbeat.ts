/**
 * Heartbeats of activities: a timer sends them while the work makes progress within its allowance.
 */
import { Context } from '@temporalio/activity';
import { StalledError } from '../core/errors.js';
import { FAILURE_POLICIES } from '../core/failure-policy.js';
import type { OnProgress, Progress } from '../core/progress.js';

/** What long-running domain code receives from its activity. */
export interface WorkControls {
  onProgress: OnProgress;
  signal: AbortSignal;
}

/** Details of a heartbeat; the next attempt reads them. */
export interface WorkHeartbeat extends Progress {
  attempt: number;
  /** Start of the first attempt, milliseconds since 1970. */
  sinceMs: number;
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
 * @throws StalledError when it makes no progress for longer than its allowance
 */
export async function withHeartbeats<Result>(
  kind: keyof typeof ALLOWANCES_MS | Rhythm,
  work: (controls: WorkControls) => Promise<Result>,
): Promise<Result> {
  const { allowanceMs, intervalMs = INTERVAL_MS }: Rhythm =
    typeof kind === 'string' ? { allowanceMs: ALLOWANCES_MS[kind] } : kind;
  const context = Context.current();
  const stall = new AbortController();
  const heartbeat: WorkHeartbeat = {
    done: 0,
    unit: '',
    attempt: context.info.attempt,
    sinceMs: firstStartMs(context),
  };
  if (heartbeat.attempt > 1 && Date.now() - heartbeat.sinceMs > FAILURE_POLICIES.worker.milliseconds)
    throw stalled(FAILURE_POLICIES.worker.milliseconds);
  let progressedAt = performance.now();
  const beat = () => context.heartbeat({ ...heartbeat });
  const timer = setInterval(() => {
    if (performance.now() - progressedAt < allowanceMs) beat();
    else stall.abort(stalled(allowanceMs));
  }, intervalMs);
  const onProgress = ({ done, total, unit }: Progress) => {
    Object.assign(heartbeat, { done, total, unit });
    progressedAt = performance.now();
    beat();
  };
  beat();
  try {
    const signal = AbortSignal.any([context.cancellationSignal, stall.signal]);
    return await Promise.race([work({ onProgress, signal }), rejectedBy(stall.signal)]);
  } finally {
    clearInterval(timer);
  }
}

/** Start of the first attempt that sent a heartbeat, or the present time. */
function firstStartMs({ info }: Context): number {
  const previous = info.heartbeatDetails as WorkHeartbeat | undefined;
  return previous?.sinceMs ?? Date.now();
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
