/**
 * Public interface of the Temporal client. Loading it takes half a second, so commands import it
 * only when they need a server.
 */
export { type Cancellation, cancelRun } from './cancel.js';
export { type Client, connect } from './connection.js';
export {
  control,
  FailedRunError,
  type LiveProgress,
  listRuns,
  newRunId,
  progressOf,
  resultOf,
  type RunStatus,
  type RunSummary,
  runStatus,
  startRun,
} from './runs.js';
