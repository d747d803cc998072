/**
 * Converts errors of the domain into Temporal failures that say what follows: a retry, a parked
 * run, or its end.
 */
import { Context, type Info } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { GistError } from '../core/errors.js';
import { afterFailure, UNEXPECTED } from '../core/failure-policy.js';
import type { ActivityFailureDetails } from '../spec/controls.js';
import { errorCode } from '../storage/file-errors.js';
import type { WorkHeartbeat } from './heartbeat.js';

/** How long an activity has been without progress. */
export interface Fruitless {
  /** Consecutive attempts without progress, this one included. */
  attempt: number;
  /** Milliseconds since the last progress. */
  elapsedMs: number;
}

/** The message holds what, where and hint; no stack and no cause, which could hold private data. */
export function asFailure(error: unknown, fruitless: Fruitless): unknown {
  if (error instanceof ApplicationFailure || isAbort(error)) return error;
  const { type, message, ...parts } = partsOf(error);
  const outcome = afterFailure(parts.causeClass, fruitless);
  const details: ActivityFailureDetails = { ...parts, outcome, attempts: fruitless.attempt };
  return ApplicationFailure.create({ type, message, nonRetryable: outcome !== 'retry', details: [details] });
}

function partsOf(error: unknown): Pick<ActivityFailureDetails, 'what' | 'where' | 'hint' | 'causeClass'> & {
  type: string;
  message: string;
} {
  if (error instanceof GistError) {
    const { name: type, message, what, where, hint, causeClass } = error;
    return { type, message, what, where, hint, causeClass };
  }
  const { type, what } = unexpected(error);
  return { type, message: what, what, causeClass: UNEXPECTED };
}

/** The message of a system error quotes the path of a file, which may be named after a patient. */
function unexpected(error: unknown): { type: string; what: string } {
  const code = errorCode(error);
  if (code !== undefined && 'path' in (error as object))
    return { type: 'SystemError', what: `system error ${code}` };
  return error instanceof Error
    ? { type: error.name, what: error.message }
    : { type: 'Error', what: String(error) };
}

/** Start of the first attempt, as far as it is known. */
function startMs({ heartbeatDetails, scheduledTimestampMs }: Info): number {
  return (heartbeatDetails as WorkHeartbeat | undefined)?.sinceMs ?? scheduledTimestampMs;
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || error instanceof CancelledFailure);
}

/** Whether another machine may do the work that this one could not. */
function isOfWorker(failure: unknown): boolean {
  if (!(failure instanceof ApplicationFailure)) return false;
  return (failure.details?.[0] as ActivityFailureDetails | undefined)?.causeClass === 'worker';
}

type Activity = (input: never) => Promise<unknown>;

/** The same activities, with every error turned into a typed failure. */
export function withTypedFailures<Activities extends Record<string, Activity>>(
  activities: Activities,
  onWorkerFailure?: () => Promise<void>,
): Activities {
  const wrap =
    (activity: Activity): Activity =>
    async (input) => {
      try {
        return await activity(input);
      } catch (error) {
        const { info, cancellationDetails } = Context.current();
        if (isAbort(error) && (cancellationDetails?.paused || cancellationDetails?.reset))
          throw ApplicationFailure.retryable('The activity was interrupted.', 'ActivityPaused');
        const failure = asFailure(error, { attempt: info.attempt, elapsedMs: Date.now() - startMs(info) });
        if (isOfWorker(failure)) await onWorkerFailure?.();
        throw failure;
      }
    };
  return Object.fromEntries(
    Object.entries(activities).map(([name, activity]) => [name, wrap(activity)]),
  ) as Activities;
}
