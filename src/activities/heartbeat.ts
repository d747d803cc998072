/** Heartbeats of activities that do steady work: they beat when progress is made, and only then. */
import { Context } from '@temporalio/activity';
import type { OnProgress } from '../core/progress.js';

/** What a long piece of domain work takes from its activity. */
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
