/** How long each kind of activity may take and how it is retried, with the reason beside each number. */
import type { ActivityOptions } from '@temporalio/workflow';

/** Trouble of the world passes: retry for ever, but never faster than a struggling server can bear. */
const retry = { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '30 seconds' } as const;

/** Small reads and writes of the object store; a minute without an answer is trouble. */
export const BOOKKEEPING: ActivityOptions = { startToCloseTimeout: '2 minutes', retry };

/** Work of minutes that heartbeats as it goes; a dead worker is noticed within half a minute. */
export const STEADY_WORK: ActivityOptions = {
  startToCloseTimeout: '6 hours',
  heartbeatTimeout: '30 seconds',
  retry,
};

/**
 * A training: weeks long, so only the heartbeat tells life from death. Cancellation waits for the checkpoint that the trainer
 * writes on its way out.
 */
export const TRAINING: ActivityOptions = {
  startToCloseTimeout: '90 days',
  heartbeatTimeout: '30 seconds',
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry,
};
