/** The status of a run, and the error for a run that does not exist. */
import { type Client, isGrpcServiceError, ServiceError, WorkflowNotFoundError } from '@temporalio/client';
import { RunError } from '../core/errors.js';

/** `unknown`: Temporal has forgotten the run, and the store does not tell how it ended. */
export type RunStatus =
  | 'running'
  | 'completed'
  | 'failed'
  | 'canceled'
  | 'terminated'
  | 'timed-out'
  | 'unknown';

/** How long one request to the server may take: every command answers within 10 s. */
export const RESPONSE_MS = 5_000;

/** Limits the requests of `work` to {@link RESPONSE_MS}. */
export function within<T>(client: Client, work: () => Promise<T>, milliseconds = RESPONSE_MS): Promise<T> {
  return client.withDeadline(Date.now() + milliseconds, work);
}

/**
 * Status codes of gRPC: cancelled, unknown, deadline exceeded, resource exhausted, internal,
 * unavailable. A server that starts or stops also answers with unknown and internal errors.
 */
const UNANSWERED = [1, 2, 4, 8, 13, 14];

/** Whether the server did not answer a request, or not in time. */
export function isUnanswered(error: unknown): boolean {
  const cause = error instanceof ServiceError ? error.cause : error;
  return isGrpcServiceError(cause) && UNANSWERED.includes(cause.code);
}

/** Turns the server's error for an unknown run into a {@link RunError}. */
export async function withKnownRun<T>(runId: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw noSuchRun(runId);
    throw error;
  }
}

export function noSuchRun(runId: string): RunError {
  return new RunError({ what: `there is no run "${runId}"`, hint: '`gist status` lists all runs.' });
}

export function statusName(name: string): RunStatus {
  const names: Record<string, RunStatus> = {
    COMPLETED: 'completed',
    FAILED: 'failed',
    CANCELLED: 'canceled',
    TERMINATED: 'terminated',
    TIMED_OUT: 'timed-out',
  };
  return names[name] ?? 'running';
}
