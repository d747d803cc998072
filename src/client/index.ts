/**
 * Public interface of the Temporal client. Loading it takes half a second, so commands import it
 * only when they need a server.
 */
export { type Cancellation, cancelRun } from './cancel.js';
export { type Client, connect } from './connection.js';
export { type Ended, FailedRunError, resultOf } from './ended.js';
export { lookAfterStart } from './first-look.js';
export { isUnanswered, type RunStatus } from './known-run.js';
export { listRuns, type RunFilter, type RunSummary } from './list.js';
export type { LiveProgress } from './live-progress.js';
export { type OrderReply, sendOrder } from './orders.js';
export { progressOf } from './progress.js';
export { type Retry, retryRun } from './retry.js';
export type { RetryChanges } from './retry-changes.js';
export {
  backfillSchedule,
  createSchedule,
  deleteSchedule,
  listSchedules,
  type NewSchedule,
  type Overlap,
  OVERLAPS,
  pauseSchedule,
  type ScheduleView,
  triggerSchedule,
} from './schedules.js';
export { registerSearchAttributes } from './search-attributes.js';
export { newRunId, startRun } from './start.js';
export { type LiveSweep, listSweeps, retrySweep, startSweep, type SweepSummary, sweepOf } from './sweeps.js';
export { storedResult } from './stored-run.js';
export type { Waiting } from './waiting.js';
