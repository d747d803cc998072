/** Orders to a running run: pause, resume, stop and extend; each answers within 10 s. */
import { createHash } from 'node:crypto';
import {
  type Client,
  type WorkflowExecutionDescription,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  type WorkflowUpdateHandle,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { RunError, StackError } from '../core/errors.js';
import type { ControlReply, ControlUpdate } from '../spec/controls.js';
import type { SweepUpdate } from '../spec/sweep.js';
import { type Ended, endOf } from './ended.js';
import { isUnanswered, noSuchRun, within } from './known-run.js';
import { type ObservedRun, observeRun } from './pending.js';
import { storedRun } from './stored-run.js';
import { findWaiting } from './waiting.js';

/** What became of an order. */
export interface OrderReply extends ControlReply {
  /** `pending`: accepted and recorded, and not carried out yet. */
  state: 'done' | 'pending';
}

/** The run has this long to accept the order, and then to carry it out. */
const ACCEPT_MS = 4_000;
const CARRY_OUT_MS = 2_500;
const DESCRIBE_MS = 2_500;

type Order = ControlUpdate | SweepUpdate;

const WORDS: Record<Order, string> = {
  pause: 'pause',
  resume: 'resume',
  stopTraining: 'stop',
  extendTraining: 'extend',
  retryRuns: 'retry',
  addSizes: 'add sizes',
  addSettings: 'add settings',
};

/**
 * Sends an order. The server records an update only once the run has accepted it, so an order that
 * no worker accepts is reported as not delivered instead of as pending.
 *
 * @throws RunError when the run refuses it, has ended, or no worker accepts it; StackError when the
 *   server does not answer
 */
export async function sendOrder(
  client: Client,
  runId: string,
  update: Order,
  input?: object,
): Promise<OrderReply> {
  const observed = await observeForOrder(client, runId);
  await refuseIfEnded(client, runId, observed.pipeline);
  try {
    const handle = await startUpdate(client, observed.pipeline, update, input);
    return await outcomeOf(client, runId, update, handle);
  } catch (error) {
    if (error instanceof WorkflowUpdateFailedError)
      throw new RunError({
        what: (error.cause?.message ?? 'the run rejected it').replace(/\.$/, ''),
        where: runId,
        hint: `\`gist status ${runId}\` shows its state.`,
      });
    if (isLate(error)) throw await undelivered(client, observed, update);
    if (error instanceof WorkflowNotFoundError)
      await refuseIfEnded(client, runId, (await observeForOrder(client, runId)).pipeline);
    throw error;
  }
}

/** What the server knows of the run. @throws RunError for an ended run that only the store has */
export async function observeForOrder(client: Client, runId: string): Promise<ObservedRun> {
  try {
    return await within(client, () => observeRun(client, runId), DESCRIBE_MS);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) {
      const { ended } = await storedRun(runId);
      throw ended ? hasEnded(runId, ended) : noSuchRun(runId);
    }
    if (!isUnanswered(error)) throw error;
    throw new StackError({
      what: 'the Temporal server does not answer, so nothing was ordered',
      where: runId,
      hint: 'The run is safe. Give the order again when the server is back.',
      cause: error,
    });
  }
}

async function refuseIfEnded(
  client: Client,
  runId: string,
  description: WorkflowExecutionDescription,
): Promise<void> {
  const ended = await endOf(client, description);
  if (ended) throw hasEnded(runId, ended);
}

function hasEnded(runId: string, { message, next }: Ended): RunError {
  return new RunError({
    what: message.replace(/^The run/, 'the run has ended: it').replace(/\.$/, ''),
    where: runId,
    hint:
      next ??
      `\`gist status ${runId}\` shows its results; \`gist retry ${runId} --set train.kimg=...\` trains longer.`,
  });
}

/**
 * A repeated order has the same id as long as nothing happens in the run, so the server holds one
 * of it; later repetitions change nothing in the run.
 */
function startUpdate(
  client: Client,
  { workflowId, runId, historyLength }: WorkflowExecutionDescription,
  update: Order,
  input?: object,
): Promise<WorkflowUpdateHandle<ControlReply>> {
  const identity = JSON.stringify([workflowId, runId, update, input ?? null, historyLength]);
  const updateId = createHash('sha256').update(identity).digest('hex').slice(0, 32);
  const handle = client.workflow.getHandle(workflowId, runId);
  const options = { waitForStage: 'ACCEPTED' as const, updateId };
  return within(
    client,
    () =>
      input
        ? handle.startUpdate<ControlReply, [object]>(update, { ...options, args: [input] })
        : handle.startUpdate<ControlReply, []>(update, options),
    ACCEPT_MS,
  );
}

async function outcomeOf(
  client: Client,
  runId: string,
  update: Order,
  handle: WorkflowUpdateHandle<ControlReply>,
): Promise<OrderReply> {
  try {
    return { ...(await within(client, () => handle.result(), CARRY_OUT_MS)), state: 'done' };
  } catch (error) {
    if (!isLate(error)) throw error;
    const message = `Accepted and pending: the run has recorded the order to ${WORDS[update]}. \`gist status ${runId}\` shows when it is carried out.`;
    return { changed: true, state: 'pending', message };
  }
}

function isLate(error: unknown): boolean {
  return error instanceof WorkflowUpdateRPCTimeoutOrCancelledError || isUnanswered(error);
}

async function undelivered(client: Client, observed: ObservedRun, update: Order): Promise<RunError> {
  const runId = observed.pipeline.workflowId;
  const ask = () => findWaiting(client, observed, null);
  const waiting = await within(client, ask, DESCRIBE_MS).catch(() => null);
  const why = waiting?.message ?? 'No worker answered in time.';
  const start = waiting?.command ? `Start one with \`${waiting.command}\`, then order` : 'Order';
  return new RunError({
    what: `the order to ${WORDS[update]} was not delivered. ${why}`,
    where: runId,
    hint: `${start} again: repeating it does no harm. A worker that starts soon may still receive this one.`,
  });
}
