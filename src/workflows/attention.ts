/** What makes a run wait for its user: failures that neither a retry nor an end would answer. */
import { ActivityFailure, ApplicationFailure, proxyActivities } from '@temporalio/workflow';
import type { NotifyActivities } from '../activities/notify.js';
import type { ActivityFailureDetails, Attention } from '../spec/controls.js';
import type { Stage } from '../spec/pipeline.js';
import { NOTIFYING } from './policies.js';

/** Why the run is parked after a failure; null: the failure ends it. */
export function attentionAfter(error: unknown, stage: Stage | null): Attention | null {
  const failure = applicationFailureOf(error);
  const details = failure?.details?.[0] as ActivityFailureDetails | undefined;
  if (!failure || details?.outcome !== 'park') return null;
  return {
    stage,
    type: failure.type ?? 'Error',
    message: failure.message,
    attempts: details.attempts,
    sinceMs: Date.now(),
  };
}

/** The failure of the activity, also behind that of a child workflow. */
function applicationFailureOf(error: unknown): ApplicationFailure | null {
  if (error instanceof ApplicationFailure) return error;
  return error instanceof Error && error.cause !== undefined ? applicationFailureOf(error.cause) : null;
}

/** Name of the error behind the failure of an activity, also behind that of a child workflow. */
export function failureType(error: unknown): string | null {
  return applicationFailureOf(error)?.type ?? null;
}

/** Whether a training ended because it did not find the run that it belongs to. */
export function isOrphaned(error: unknown): boolean {
  return failureType(error) === 'OrphanedTraining';
}

/** The reason of a failure in one line. */
export function reasonOf(error: unknown): string {
  const failure = applicationFailureOf(error);
  if (failure) return `${failure.type ?? 'Error'}: ${failure.message}`;
  if (error instanceof ActivityFailure && error.cause) return error.cause.message;
  return error instanceof Error ? error.message : String(error);
}

const { notifyAttention } = proxyActivities<NotifyActivities>(NOTIFYING);

/** Tells somebody by the webhook or command of the deployment; a run never depends on it. */
export async function notify(runId: string, attention: Attention): Promise<void> {
  await notifyAttention({ runId, attention }).catch(() => undefined);
}
