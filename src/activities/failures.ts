/**
 * Converts errors of the domain into Temporal failures: typed, and non-retryable where a retry
 * cannot help.
 */
import { ApplicationFailure } from '@temporalio/common';
import { GistError } from '../core/errors.js';
import { errorCode } from '../storage/file-errors.js';

/** The message holds what, where and hint; no stack and no cause, which could hold private data. */
function asFailure(error: unknown): unknown {
  if (!(error instanceof GistError)) return withoutPaths(error);
  return ApplicationFailure.create({
    type: error.name,
    message: error.message,
    nonRetryable: !error.retryable,
    details: [{ what: error.what, where: error.where, hint: error.hint }],
  });
}

/** The message of a system error quotes the path of a file, which may be named after a patient. */
function withoutPaths(error: unknown): unknown {
  const code = errorCode(error);
  if (code === undefined || !('path' in (error as object))) return error;
  return ApplicationFailure.retryable(`system error ${code}`, 'SystemError');
}

type Activity = (input: never) => Promise<unknown>;

/** The same activities, with every domain error turned into a typed failure. */
export function withTypedFailures<Activities extends Record<string, Activity>>(
  activities: Activities,
): Activities {
  const wrap =
    (activity: Activity): Activity =>
    async (input) => {
      try {
        return await activity(input);
      } catch (error) {
        throw asFailure(error);
      }
    };
  return Object.fromEntries(
    Object.entries(activities).map(([name, activity]) => [name, wrap(activity)]),
  ) as Activities;
}
