/** Cancels a run: the order is recorded by the server, whether or not a worker polls. */
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import type { CheckpointRef } from '../spec/results.js';
import { continuationOf } from './continuation.js';
import { type Ended, endOf } from './ended.js';
import { type RunStatus, within } from './known-run.js';
import { observeForOrder } from './orders.js';
import type { ObservedRun } from './pending.js';
import { askRun } from './progress.js';
import { findWaiting } from './waiting.js';

/** Outcome of a cancellation. */
export interface Cancellation {
  runId: string;
  /** false: the run had ended or was cancelled already. */
  changed: boolean;
  /** `running`: it has not ended yet. */
  status: RunStatus;
  /** The newest checkpoint of its training, from which `gist retry` resumes. */
  checkpoint: CheckpointRef | null;
  message: string;
}

/** How long the command waits for the end of the run. */
const END_MS = 3_500;
/** How long it waits for the run's own answer, and for the server's. */
const ANSWER_MS = 1_500;

/**
 * Ends a run. A training writes a checkpoint first; results of finished stages are kept.
 * Idempotent; answers within 10 s.
 *
 * @throws RunError when there is no such run; StackError when the server does not answer
 */
export async function cancelRun(client: Client, runId: string, waitMs = END_MS): Promise<Cancellation> {
  const observed = await observeForOrder(client, runId);
  const before = await endOf(client, observed.pipeline);
  if (before)
    return outcome(runId, before, {
      changed: false,
      message: `Had ended already; nothing was changed. ${endWords(before)}`,
    });
  const changed = !observed.pipeline.raw.workflowExtendedInfo?.cancelRequested;
  await requestCancel(client, runId);
  const after = await endAfter(client, runId, waitMs);
  if (!after) return pending(client, observed, changed);
  if (after.status !== 'canceled')
    return outcome(runId, after, {
      changed: false,
      message: `It ended before it could be cancelled. ${endWords(after)}`,
    });
  return outcome(runId, after, { changed, message: cancelled(runId, after) });
}

async function requestCancel(client: Client, runId: string): Promise<void> {
  await within(client, () => client.workflow.getHandle(runId).cancel()).catch((error: unknown) => {
    // It has ended meanwhile.
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  });
}

async function endAfter(client: Client, runId: string, milliseconds: number): Promise<Ended | null> {
  const handle = client.workflow.getHandle(runId);
  // A failure or a timeout here is read from the description below.
  await within(client, () => handle.result(), milliseconds).catch(() => undefined);
  return endOf(client, await within(client, () => handle.describe()));
}

function outcome(
  runId: string,
  { status, checkpoint }: Ended,
  { changed, message }: Pick<Cancellation, 'changed' | 'message'>,
): Cancellation {
  return { runId, changed, status, checkpoint, message };
}

function endWords({ message, next }: Ended): string {
  return next === null ? message : `${message} ${next}`;
}

function cancelled(runId: string, { checkpoint }: Ended): string {
  const at = checkpoint ? ` at ${checkpoint.kimg} kimg, checkpoint ${checkpoint.prefix}` : '';
  const next = checkpoint ? ` resumes from ${checkpoint.kimg} kimg` : ' starts it again';
  return `Cancelled${at}; what its stages made is kept. \`gist retry ${runId}\`${next}.`;
}

async function pending(client: Client, observed: ObservedRun, changed: boolean): Promise<Cancellation> {
  const runId = observed.pipeline.workflowId;
  const answer = await askRun(client, runId, ANSWER_MS);
  const ask = () => findWaiting(client, observed, answer);
  const waiting = await within(client, ask, ANSWER_MS).catch(() => null);
  const verb = changed ? 'Accepted and pending' : 'Was being cancelled already';
  const help = waiting?.command ? ` Start one with \`${waiting.command}\`.` : '';
  const message = isUnattended(waiting?.reason)
    ? `${verb}: the server has recorded the order, and the first worker carries it out. ${waiting?.message}${help}`
    : `${verb}: the run ends once its trainer has written its checkpoint. \`gist status ${runId}\` shows it.`;
  const { checkpoint } = await continuationOf(runId);
  return { runId, changed, status: 'running', checkpoint, message };
}

function isUnattended(reason: string | undefined): boolean {
  return reason === 'no-worker' || reason === 'wrong-queue';
}
