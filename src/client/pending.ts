/** Pending activities of a run and of its child workflows, as the server describes them. */
import {
  type Client,
  defaultPayloadConverter,
  type WorkflowExecutionDescription,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { environment } from '../core/environment.js';
import { type DeploymentQueues, deploymentQueues, PERSON_PRIORITY_KEY } from '../spec/task-queues.js';

type RawActivity = NonNullable<WorkflowExecutionDescription['raw']['pendingActivities']>[number];

/** An activity that has not ended. */
export interface PendingActivity {
  /** Of the workflow that scheduled it: the pipeline or one of its children. */
  workflowId: string;
  type: string;
  queue: string;
  state: 'scheduled' | 'started' | 'paused';
  /** From 1. */
  attempt: number;
  /** Identity of the worker that has or had it. */
  worker: string | null;
  /** One line. */
  lastFailure: string | null;
  lastFailureMs: number | null;
  /** When it became ready to be taken by a worker. */
  scheduledMs: number | null;
  nextAttemptMs: number | null;
  startedMs: number | null;
  heartbeatMs: number | null;
  heartbeatTimeoutMs: number | null;
  heartbeat: unknown;
  /** Of Temporal: smaller numbers go first; 3 is the default. */
  priorityKey: number;
}

/** What the server knows of a running run. */
export interface ObservedRun {
  pipeline: WorkflowExecutionDescription;
  activities: PendingActivity[];
  /** The pipeline and its children. */
  executions: WorkflowExecutionDescription[];
}

/** Children that are described: more would only repeat what the first ones tell. */
const MAX_CHILDREN = 10;
const MAX_FAILURE_LENGTH = 300;
const PAUSED = 4;
const STARTED = [2, 3];

/** Kinds of work, for servers that do not tell an activity's queue; others are bookkeeping. */
const QUEUES: Record<string, keyof DeploymentQueues> = {
  train: 'gpu',
  evaluateSnapshot: 'evaluation',
  generateShard: 'short',
  extractShardFeatures: 'short',
  planClassifiers: 'short',
  trainClassifier: 'short',
  planDataset: 'cpu',
  buildShard: 'cpu',
  assembleDataset: 'cpu',
  planGeneration: 'cpu',
  assembleSynthetic: 'cpu',
  planEvaluation: 'cpu',
  computeMetrics: 'cpu',
};

/** @throws WorkflowNotFoundError */
export async function observeRun(client: Client, runId: string): Promise<ObservedRun> {
  const pipeline = await client.workflow.getHandle(runId).describe();
  const pending = (pipeline.raw.pendingChildren ?? []).slice(0, MAX_CHILDREN);
  const children = await Promise.all(
    pending.map(({ workflowId }) => describeIfKnown(client, workflowId ?? '')),
  );
  const executions = [pipeline, ...children.filter((child) => child !== null)];
  return { pipeline, executions, activities: executions.flatMap(activitiesOf) };
}

async function describeIfKnown(
  client: Client,
  workflowId: string,
): Promise<WorkflowExecutionDescription | null> {
  try {
    return await client.workflow.getHandle(workflowId).describe();
  } catch (error) {
    // It has ended meanwhile.
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

export function activitiesOf(workflow: WorkflowExecutionDescription): PendingActivity[] {
  return (workflow.raw.pendingActivities ?? []).map((activity) => pendingActivity(activity, workflow));
}

function pendingActivity(raw: RawActivity, workflow: WorkflowExecutionDescription): PendingActivity {
  const { workflowId, taskQueue } = workflow;
  const type = raw.activityType?.name ?? '';
  const payload = raw.heartbeatDetails?.payloads?.[0];
  const state = Number(raw.state ?? 0);
  return {
    workflowId,
    type,
    queue: raw.activityOptions?.taskQueue?.name || usualQueue(type, taskQueue),
    state: raw.paused || state === PAUSED ? 'paused' : STARTED.includes(state) ? 'started' : 'scheduled',
    attempt: raw.attempt ?? 1,
    worker: raw.lastWorkerIdentity || null,
    lastFailure: failureLine(raw.lastFailure),
    lastFailureMs: milliseconds(raw.lastAttemptCompleteTime),
    scheduledMs: milliseconds(raw.scheduledTime),
    nextAttemptMs: milliseconds(raw.nextAttemptScheduleTime),
    startedMs: milliseconds(raw.lastStartedTime),
    heartbeatMs: milliseconds(raw.lastHeartbeatTime),
    heartbeatTimeoutMs: milliseconds(raw.activityOptions?.heartbeatTimeout),
    priorityKey: raw.priority?.priorityKey || PERSON_PRIORITY_KEY,
    heartbeat: payload ? defaultPayloadConverter.fromPayload(payload) : null,
  };
}

function usualQueue(type: string, workflowQueue: string): string {
  const kind = QUEUES[type];
  return kind === undefined ? workflowQueue : usualQueues()[kind];
}

/** The queues that workers with the variables of this process poll. */
export function usualQueues(): DeploymentQueues {
  return deploymentQueues(environment.taskQueue(), environment.gpuTaskQueue());
}

/** A time or a duration. */
export function milliseconds(
  value: { seconds?: unknown; nanos?: number | null } | null | undefined,
): number | null {
  if (!value) return null;
  const total = Number(value.seconds ?? 0) * 1000 + Math.round((value.nanos ?? 0) / 1e6);
  return total > 0 ? total : null;
}

function failureLine(failure: RawActivity['lastFailure']): string | null {
  if (!failure) return null;
  if (failure.timeoutFailureInfo) return 'its worker was not heard from in time';
  const type = failure.applicationFailureInfo?.type;
  const text = (failure.message ?? '').replace(/\s+/g, ' ').trim();
  const line = type ? `${type}: ${text}` : text;
  return line.length > MAX_FAILURE_LENGTH ? `${line.slice(0, MAX_FAILURE_LENGTH - 3)}...` : line;
}
