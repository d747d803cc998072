/** Other runs that use, or waited earlier for, the workers of a task queue. */
import type { Client } from '@temporalio/client';
import { PIPELINE_WORKFLOW } from '../spec/controls.js';
import { activitiesOf, type PendingActivity } from './pending.js';

/** Running workflows that are looked at. */
const MAX_WORKFLOWS = 40;
const RUNNING = `ExecutionStatus = 'Running' AND WorkflowType IN ('${PIPELINE_WORKFLOW}', 'trainUntilConverged', 'processShards')`;

export interface QueuedWork {
  runId: string;
  queue: string;
  /** Since when the run waits. */
  sinceMs: number;
}

/** @returns their ids */
export async function runsAhead(client: Client, work: QueuedWork): Promise<string[]> {
  const ids: string[] = [];
  for await (const { workflowId } of client.workflow.list({ query: RUNNING, pageSize: MAX_WORKFLOWS })) {
    ids.push(workflowId);
    if (ids.length >= MAX_WORKFLOWS) break;
  }
  const owners = await Promise.all(ids.map((id) => ownerIfAhead(client, id, work)));
  return [...new Set(owners.filter((owner) => owner !== null && owner !== work.runId))] as string[];
}

/** The run that a workflow belongs to, if it is ahead. */
async function ownerIfAhead(client: Client, workflowId: string, work: QueuedWork): Promise<string | null> {
  // It may have ended meanwhile.
  const described = await client.workflow
    .getHandle(workflowId)
    .describe()
    .catch(() => null);
  if (!described || !activitiesOf(described).some((activity) => isAhead(activity, work))) return null;
  return described.rootExecution?.workflowId ?? described.parentExecution?.workflowId ?? workflowId;
}

function isAhead({ queue, state, scheduledMs }: PendingActivity, work: QueuedWork): boolean {
  if (queue !== work.queue || state === 'paused') return false;
  return state === 'started' || (scheduledMs ?? Number.POSITIVE_INFINITY) < work.sinceMs;
}
