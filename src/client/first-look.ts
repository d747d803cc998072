/** A look at a run that has just started: whether workers take its work. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { environment } from '../core/environment.js';
import type { Stage } from '../spec/pipeline.js';
import { within } from './known-run.js';
import { observeRun, usualQueues } from './pending.js';
import { pollersOf } from './pollers.js';
import { runsAhead } from './runs-ahead.js';
import { findWaiting, unattended, type Waiting } from './waiting.js';

/** A worker that polls takes the first task of a run within this time. */
const PICK_UP_MS = 6_000;
/** Events before a worker has answered. */
const UNANSWERED_EVENTS = 3;

/** @returns why the run will wait; null when workers poll the queues of its stages */
export async function lookAfterStart(
  client: Client,
  runId: string,
  stages: readonly Stage[],
): Promise<Waiting | null> {
  for (const deadline = Date.now() + PICK_UP_MS; ; await sleep(200)) {
    const observed = await within(client, () => observeRun(client, runId));
    if (observed.pipeline.historyLength > UNANSWERED_EVENTS) break;
    if (Date.now() > deadline) return findWaiting(client, observed, null);
  }
  const workflowQueue = environment.taskQueue();
  for (const queue of deviceQueues(stages)) {
    const pollers = await pollersOf(client, queue, 'activity');
    const work = { queue, kind: 'activity' as const, sinceMs: null, pollers, workflowQueue };
    if (pollers.length > 0) continue;
    const all = { runId, queue, priorityKey: Number.POSITIVE_INFINITY, sinceMs: 0 };
    if (!(await runsAhead(client, all)).isWorked) return unattended(client, work);
  }
  return null;
}

function deviceQueues(stages: readonly Stage[]): string[] {
  const { gpu, short } = usualQueues();
  const hasShort = stages.includes('generate') || stages.includes('evaluate');
  return [...(stages.includes('train') ? [gpu] : []), ...(hasShort ? [short] : [])];
}
