/**
 * Converts errors of the domain into Temporal failures that say what follows: a retry, a parked
 * run, or its end.
 */
import { Context, type Info } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { GistError, messageWithoutPaths, StalledError } from '../core/errors.js';
import { afterFailure, UNEXPECTED } from '../core/failure-policy.js';
import type { ActivityFailureDetails } from '../spec/controls.js';

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
  const what = messageWithoutPaths(error);
  return { type: error instanceof Error ? error.name : 'Error', message: what, what, causeClass: UNEXPECTED };
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

/** An activity without heartbeats has this long: less than its time limit, which says no reason. */
const SILENT_MS = 90_000;

/** The same activities, with every error turned into a typed failure. */
export function withTypedFailures<Activities extends Record<string, Activity>>(
  activities: Activities,
  onWorkerFailure?: () => Promise<void>,
): Activities {
  const wrap =
    (activity: Activity): Activity =>
    async (input) => {
      const context = Context.current();
      const { info } = context;
      try {
        return await (info.heartbeatTimeoutMs ? activity(input) : withinLimit(activity(input)));
      } catch (error) {
        const { cancellationDetails } = context;
        if (isAbort(error) && (cancellationDetails?.paused || cancellationDetails?.reset))
          throw ApplicationFailure.retryable('The activity was interrupted.', 'ActivityPaused');
        const failure = asFailure(error, fruitlessUntilNow(info));
        if (isOfWorker(failure)) await onWorkerFailure?.();
        throw failure;
      }
    };
  return Object.fromEntries(
    Object.entries(activities).map(([name, activity]) => [name, wrap(activity)]),
  ) as Activities;
}

/** Activities with heartbeats count better: see withHeartbeats. */
function fruitlessUntilNow({ attempt, scheduledTimestampMs }: Info): Fruitless {
  // The first attempt may have waited in the queue for days.
  return { attempt, elapsedMs: attempt === 1 ? 0 : Date.now() - scheduledTimestampMs };
}

async function withinLimit<Result>(work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    const error = new StalledError({
      what: `the store did not answer within ${SILENT_MS / 1000} s`,
      hint: 'Look for a folder or a server that does not answer.',
    });
    timer = setTimeout(() => reject(error), SILENT_MS);
  });
  return Promise.race([work, limit]).finally(() => clearTimeout(timer));
}
