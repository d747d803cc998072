/** Cancels a run and waits until it has ended. */
import { WorkflowNotFoundError } from '@temporalio/client';
import { environment } from '../core/environment.js';
import { newestListed } from '../checkpoints/index.js';
import type { CheckpointRef } from '../spec/results.js';
import { openStore } from '../storage/index.js';
import type { Client } from './connection.js';
import { progressOf, type RunStatus, runStatus } from './runs.js';

/** Outcome of a cancellation. */
export interface Cancellation {
  runId: string;
  /** false: the run had ended or was cancelled already. */
  changed: boolean;
  /** `running`: it has not ended yet. */
  status: RunStatus;
  /** The newest checkpoint of its training, from which a later run of the same spec can resume. */
  checkpoint: CheckpointRef | null;
  message: string;
}

/**
 * How long the command waits for the run to end; a trainer writes its last checkpoint meanwhile.
 */
const RESPONSE_MS = 120_000;

/**
 * Ends a run. A training writes a checkpoint first; results of finished stages are kept.
 * Idempotent.
 *
 * @throws RunError when there is no such run.
 */
export async function cancelRun(client: Client, runId: string): Promise<Cancellation> {
  const before = await runStatus(client, runId);
  const trained = await mayHaveTrained(client, runId);
  const changed = before === 'running' && !(await isBeingCancelled(client, runId));
  const status = before === 'running' ? await cancelAndWait(client, runId) : before;
  const checkpoint = trained ? await newestListed(openStore(environment.storeUri()), runId) : null;
  const message = describe({ changed, before, status, checkpoint });
  return { runId, changed, status, checkpoint, message };
}

/**
 * Whether there may be a checkpoint. true where the run cannot be queried because no worker polls.
 */
async function mayHaveTrained(client: Client, runId: string): Promise<boolean> {
  const ask = () => progressOf(client, runId);
  const progress = await client.withDeadline(Date.now() + 10_000, ask).catch(() => null);
  return progress === null || progress.train !== null;
}

async function isBeingCancelled(client: Client, runId: string): Promise<boolean> {
  const { raw } = await client.workflow.getHandle(runId).describe();
  return Boolean(raw.workflowExtendedInfo?.cancelRequested);
}

async function cancelAndWait(client: Client, runId: string): Promise<RunStatus> {
  const handle = client.workflow.getHandle(runId);
  await handle.cancel().catch((error: unknown) => {
    // It has ended meanwhile.
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  });
  // A failure or a timeout here is read from the status below.
  await client.withDeadline(Date.now() + RESPONSE_MS, () => handle.result()).catch(() => undefined);
  return runStatus(client, runId);
}

function describe(outcome: {
  changed: boolean;
  before: RunStatus;
  status: RunStatus;
  checkpoint: CheckpointRef | null;
}): string {
  const { changed, before, status, checkpoint } = outcome;
  if (before !== 'running') return `Had ended already (${before}); nothing was changed.`;
  if (status === 'running')
    return `${changed ? 'Cancelling' : 'Was being cancelled already'}: its worker has not ended it yet.`;
  if (status !== 'canceled') return `It ended (${status}) before it could be cancelled.`;
  const kept = checkpoint ? ` at ${checkpoint.kimg} kimg, checkpoint ${checkpoint.prefix}` : '';
  return `Cancelled${kept}; what its stages made is kept.`;
}
