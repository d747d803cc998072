/** Timeouts and retries of each kind of activity, with the reason for each number. */
import type { ActivityOptions } from '@temporalio/workflow';

/**
 * Without limit: the activity decides when retries end (core/failure-policy.ts). The backoff is one
 * that a struggling server can handle.
 */
const retry = { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '30 seconds' } as const;

/** Small reads and writes of the object store; two minutes without a reply are a failure. */
export const BOOKKEEPING: ActivityOptions = { startToCloseTimeout: '2 minutes', retry };

/** A message to somebody; a few attempts are enough. */
export const NOTIFYING: ActivityOptions = {
  startToCloseTimeout: '1 minute',
  scheduleToCloseTimeout: '30 minutes',
  retry: { ...retry, maximumAttempts: 5 },
};

/**
 * Work of minutes with heartbeats every 10 s. A worker that restarts reports the activities that
 * it left; only a lost machine is noticed by the timeout.
 */
export const STEADY_WORK: ActivityOptions = {
  startToCloseTimeout: '2 days',
  heartbeatTimeout: '2 minutes',
  retry,
};

/** The last report of a canceled sweep: the sweep must end even if its store is unavailable. */
export const LAST_WORK: ActivityOptions = { ...STEADY_WORK, scheduleToCloseTimeout: '10 minutes' };

/** The metrics of one snapshot: what comes later than this is a gap in the curve. */
export const EVALUATION: ActivityOptions = { ...STEADY_WORK, scheduleToCloseTimeout: '6 hours' };

/**
 * A training takes weeks. Its heartbeats survive an outage of the server of minutes; the supervisor
 * of the trainer finds hangs. Cancellation waits for the last checkpoint of the trainer.
 */
export const TRAINING: ActivityOptions = {
  startToCloseTimeout: '90 days',
  heartbeatTimeout: '5 minutes',
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry,
};
