/** Heartbeats of activities: sent when progress is made, and only then. */
import { Context } from '@temporalio/activity';
import type { OnProgress } from '../core/progress.js';

/** What long-running domain code receives from its activity. */
export interface WorkControls {
  onProgress: OnProgress;
  signal: AbortSignal;
}

/** Progress becomes heartbeats, cancellation an abort signal. */
export function workControls(): WorkControls {
  const context = Context.current();
  return {
    onProgress: ({ done, total, unit }) => context.heartbeat({ done, total, unit }),
    signal: context.cancellationSignal,
  };
}
