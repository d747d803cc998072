/** Timeouts and retries of each kind of activity, with the reason for each number. */
import type { ActivityOptions } from '@temporalio/workflow';

/**
 * Transient failures end: retry without limit, but with a backoff that a struggling server can
 * handle.
 */
const retry = { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '30 seconds' } as const;

/** Small reads and writes of the object store; two minutes without a reply are a failure. */
export const BOOKKEEPING: ActivityOptions = { startToCloseTimeout: '2 minutes', retry };

/** Work of minutes with heartbeats; a dead worker is detected within 30 s. */
export const STEADY_WORK: ActivityOptions = {
  startToCloseTimeout: '6 hours',
  heartbeatTimeout: '30 seconds',
  retry,
};

/**
 * A training takes weeks, so only the heartbeat detects a dead worker. Cancellation waits for the
 * last checkpoint of the trainer.
 */
export const TRAINING: ActivityOptions = {
  startToCloseTimeout: '90 days',
  heartbeatTimeout: '30 seconds',
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry,
};
