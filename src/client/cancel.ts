/** Cancelling a run: asked for, waited for, and told. */
import { WorkflowNotFoundError } from '@temporalio/client';
import { environment } from '../core/environment.js';
import { newestListed } from '../checkpoints/index.js';
import type { CheckpointRef } from '../spec/results.js';
import { openStore } from '../storage/index.js';
import type { Client } from './connection.js';
import { progressOf, type RunStatus, runStatus } from './runs.js';

/** What a cancellation did. */
export interface Cancellation {
  runId: string;
  /** false: the run had ended before, or somebody had cancelled it already. */
  changed: boolean;
  /** `running`: it is still on its way out. */
  status: RunStatus;
  /** The newest checkpoint of its training, from which a later run of the same spec can go on. */
  checkpoint: CheckpointRef | null;
  message: string;
}

/** A trainer is given this long for its last checkpoint, then the answer is that it is on its way. */
const ANSWER_MS = 120_000;

/**
 * Ends a run for good. A training leaves a checkpoint first; what its stages made stays. May be repeated.
 *
 * @throws RunError when there is no such run.
 */
export async function cancelRun(client: Client, runId: string): Promise<Cancellation> {
  const before = await runStatus(client, runId);
  const trained = await trainsNow(client, runId);
  const changed = before === 'running' && !(await isBeingCancelled(client, runId));
  const status = before === 'running' ? await cancelAndWait(client, runId) : before;
  const checkpoint = trained ? await newestListed(openStore(environment.storeUri()), runId) : null;
  const message = describe({ changed, before, status, checkpoint });
  return { runId, changed, status, checkpoint, message };
}

/** Whether there may be a checkpoint worth naming. A run that nobody can ask (no worker polls) is taken to train. */
async function trainsNow(client: Client, runId: string): Promise<boolean> {
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
    // It has ended since it was looked at.
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  });
  // How it ended is asked for below, and a wait that was cut short means that it has not.
  await client.withDeadline(Date.now() + ANSWER_MS, () => handle.result()).catch(() => undefined);
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
    return `${changed ? 'Cancelling' : 'Was being cancelled already'}: its worker is still letting go of it.`;
  if (status !== 'canceled') return `It ended (${status}) before it could be cancelled.`;
  const kept = checkpoint ? ` at ${checkpoint.kimg} kimg, checkpoint ${checkpoint.prefix}` : '';
  return `Cancelled${kept}; what its stages made is kept.`;
}
