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
  /** See {@link PendingActivity.priorityKey}. */
  priorityKey: number;
}

/** Other runs that come before one. */
export interface RunsAhead {
  ids: string[];
  /** Whether a worker has the work of one of them: it then polls no more. */
  isWorked: boolean;
}

export async function runsAhead(client: Client, work: QueuedWork): Promise<RunsAhead> {
  const ids: string[] = [];
  for await (const { workflowId } of client.workflow.list({ query: RUNNING, pageSize: MAX_WORKFLOWS })) {
    ids.push(workflowId);
    if (ids.length >= MAX_WORKFLOWS) break;
  }
  const found = await Promise.all(ids.map((id) => ownerIfAhead(client, id, work)));
  const others = found.filter((each) => each !== null && each.owner !== work.runId) as Owner[];
  return {
    ids: [...new Set(others.map(({ owner }) => owner))],
    isWorked: others.some(({ isStarted }) => isStarted),
  };
}

interface Owner {
  owner: string;
  isStarted: boolean;
}

/** The run that a workflow belongs to, if it is ahead. */
async function ownerIfAhead(client: Client, workflowId: string, work: QueuedWork): Promise<Owner | null> {
  // It may have ended meanwhile.
  const described = await client.workflow
    .getHandle(workflowId)
    .describe()
    .catch(() => null);
  const ahead = described ? activitiesOf(described).filter((activity) => isAhead(activity, work)) : [];
  if (!described || ahead.length === 0) return null;
  const owner = described.rootExecution?.workflowId ?? described.parentExecution?.workflowId ?? workflowId;
  return { owner, isStarted: ahead.some(({ state }) => state === 'started') };
}

function isAhead({ queue, state, scheduledMs, priorityKey }: PendingActivity, work: QueuedWork): boolean {
  if (queue !== work.queue || state === 'paused') return false;
  if (state === 'started' || priorityKey < work.priorityKey) return true;
  return priorityKey === work.priorityKey && (scheduledMs ?? Number.POSITIVE_INFINITY) < work.sinceMs;
}
