/** Why a running run does not advance, and which command helps. */
import type { Client } from '@temporalio/client';
import { duration, timeOf } from '../core/duration.js';
import { environment } from '../core/environment.js';
import { needOf } from '../spec/task-queues.js';
import { type Attention, type RunProgress, type TrainHeartbeat, WAITING_FOR_ROOM } from '../spec/controls.js';
import { type ObservedRun, milliseconds, type PendingActivity, usualQueues } from './pending.js';
import { type Poller, pollersOf, type QueueKind } from './pollers.js';
import { runsAhead } from './runs-ahead.js';
import { embeddedParts } from './stack/parts.js';

/** docs/troubleshooting.md has a section for each. */
export const WAITING_REASONS = [
  'no-worker',
  'wrong-queue',
  'cpu-worker-only',
  'no-able-worker',
  'device-busy',
  'retrying',
  'silent',
  'no-room',
  'activity-paused',
  'workflow-failing',
  'needs-attention',
] as const;
export type WaitingReason = (typeof WAITING_REASONS)[number];

/** What a run waits for. Times are milliseconds since 1970. */
export interface Waiting {
  reason: WaitingReason;
  /** A few words, for a line of progress. */
  brief: string;
  /** One or two sentences. */
  message: string;
  /** The command that ends the wait; null: time does. */
  command: string | null;
  sinceMs: number | null;
  queue: string | null;
  /** Of the activity that is retried. */
  attempt: number | null;
  worker: string | null;
  lastFailure: string | null;
  nextAttemptMs: number | null;
}

/** A worker that polls takes work at once; after this long it is busy or has ended. */
const PICK_UP_MS = 5_000;
/** Heartbeats reach the server every 30 s at the latest. */
const SILENT_MS = 60_000;
/** Failures of a workflow task that no restart of a worker explains. */
const FAILED_WORKFLOW_TASKS = 3;
const SCHEDULED = 1;

const NOTHING: Omit<Waiting, 'reason' | 'brief' | 'message'> = {
  command: null,
  sinceMs: null,
  queue: null,
  attempt: null,
  worker: null,
  lastFailure: null,
  nextAttemptMs: null,
};

/**
 * @param progress the run's answer; null when no worker gave one
 * @returns null for a run that advances, or that its user has paused
 */
export async function findWaiting(
  client: Client,
  observed: ObservedRun,
  progress: RunProgress | null,
): Promise<Waiting | null> {
  const runId = observed.pipeline.workflowId;
  if (progress?.attention) return parked(runId, progress.attention);
  if (progress?.state === 'paused') return null;
  const waiting = await workflowTaskWaiting(client, observed, progress !== null);
  if (waiting) return waiting;
  for (const activity of holdingUp(observed.activities)) {
    const found = await activityWaiting(client, observed, activity);
    if (found) return found;
  }
  return withoutRoom(observed);
}

/** A training whose newest state neither the store nor its disk takes. */
function withoutRoom({ activities }: ObservedRun): Waiting | null {
  const training = activities.find(({ type }) => type === 'train');
  const heartbeat = (training?.heartbeat ?? {}) as Partial<TrainHeartbeat>;
  if (!training || !advances(training) || heartbeat.operation !== WAITING_FOR_ROOM) return null;
  return {
    ...NOTHING,
    ...attemptOf(training),
    reason: 'no-room',
    brief: 'waiting for the store, or for space on its disk',
    message: `The training waits. ${heartbeat.storage ?? ''}`.trim(),
    queue: training.queue,
  };
}

/**
 * Activities that do not advance while the run depends on them, trainings first. A training that
 * advances does not wait for the evaluation of its snapshots.
 */
export function holdingUp(activities: readonly PendingActivity[], now = Date.now()): PendingActivity[] {
  const trains = activities.some((activity) => activity.type === 'train' && advances(activity, now));
  const stuck = activities.filter((activity) => !advances(activity, now));
  return stuck
    .filter(({ type }) => !(trains && type === 'evaluateSnapshot'))
    .sort((a, b) => Number(b.type === 'train') - Number(a.type === 'train'));
}

/** Whether a worker runs the activity now, and has said so since it started this attempt. */
export function advances(activity: PendingActivity, now = Date.now()): boolean {
  const { state, attempt, heartbeatMs, startedMs } = activity;
  if (state !== 'started') return false;
  if (isSilent(activity, now)) return false;
  return attempt === 1 || (heartbeatMs ?? 0) >= (startedMs ?? Number.POSITIVE_INFINITY);
}

function isSilent({ heartbeatMs, startedMs, heartbeatTimeoutMs }: PendingActivity, now: number): boolean {
  return heartbeatTimeoutMs !== null && now - Math.max(heartbeatMs ?? 0, startedMs ?? 0) > SILENT_MS;
}

export function parked(runId: string, { stage, message, attempts, sinceMs }: Attention): Waiting {
  const where = stage ? `Stage ${stage}` : 'The run';
  const tries = attempts > 1 ? ` after ${attempts} attempts without progress` : '';
  return {
    ...NOTHING,
    reason: 'needs-attention',
    brief: 'needs attention',
    message: `${where} needs attention${tries} since ${timeOf(sinceMs)}: ${message} Everything is kept.`,
    command: `gist resume ${runId}`,
    sinceMs,
    attempt: attempts,
    lastFailure: message,
  };
}

async function workflowTaskWaiting(
  client: Client,
  { pipeline, executions }: ObservedRun,
  isAnswered: boolean,
): Promise<Waiting | null> {
  const runId = pipeline.workflowId;
  for (const { raw, taskQueue, workflowId } of executions) {
    const task = raw.pendingWorkflowTask;
    if ((task?.attempt ?? 1) >= FAILED_WORKFLOW_TASKS)
      return workflowFailing(workflowId, runId, task?.attempt ?? 0);
    const sinceMs = milliseconds(task?.originalScheduledTime ?? task?.scheduledTime);
    const isDue = Number(task?.state) === SCHEDULED && Date.now() - (sinceMs ?? 0) > PICK_UP_MS;
    if (isAnswered && !isDue) continue;
    return unattended(client, { queue: taskQueue, kind: 'workflow', sinceMs });
  }
  return null;
}

function workflowFailing(workflowId: string, runId: string, attempt: number): Waiting {
  return {
    ...NOTHING,
    reason: 'workflow-failing',
    brief: 'its workflow fails on the worker',
    message: `The workflow "${workflowId}" fails on its worker (attempt ${attempt}). The worker may be of another version of GIST than the one that the run started with.`,
    command: `gist logs ${runId}`,
    attempt,
  };
}

async function activityWaiting(
  client: Client,
  observed: ObservedRun,
  activity: PendingActivity,
): Promise<Waiting | null> {
  const { state, type, queue, attempt, nextAttemptMs, scheduledMs, priorityKey } = activity;
  const runId = observed.pipeline.workflowId;
  if (state === 'paused') return activityPaused(activity);
  if (state === 'started') return attempt > 1 ? retrying(activity) : silent(activity);
  if (nextAttemptMs !== null && nextAttemptMs > Date.now()) return retrying(activity);
  // The same run uses the queue: the activity waits for its own siblings.
  if (observed.activities.some((other) => other.state === 'started' && other.queue === queue)) return null;
  const since = { queue, kind: 'activity' as const, sinceMs: nextAttemptMs ?? scheduledMs };
  const pollers = await pollersOf(client, queue, 'activity');
  const sinceMs = since.sinceMs ?? Date.now();
  if (pollers.length > 0 && Date.now() - sinceMs < PICK_UP_MS) return null;
  const ahead = await runsAhead(client, { runId, queue, priorityKey, sinceMs });
  // A worker that has trained for minutes no longer counts as one that polls.
  if (ahead.isWorked || (pollers.length > 0 && ahead.ids.length > 0)) return deviceBusy(since, ahead.ids);
  const waiting = await unattended(client, { ...since, pollers, workflowQueue: observed.pipeline.taskQueue });
  return attempt > 1
    ? { ...waiting, ...attemptOf(activity), message: `${waiting.message} ${lastTry(type, activity)}` }
    : waiting;
}

function attemptOf({ attempt, worker, lastFailure, nextAttemptMs }: PendingActivity) {
  return { attempt, worker, lastFailure, nextAttemptMs };
}

function lastTry(type: string, { attempt, worker, lastFailure }: PendingActivity): string {
  const by = worker ? ` by ${worker}` : '';
  return `Attempt ${attempt - 1} of ${type}${by} failed: ${lastFailure ?? 'its worker ended'}.`;
}

function retrying(activity: PendingActivity): Waiting {
  const { type, attempt, lastFailureMs, nextAttemptMs, worker, state } = activity;
  const seconds = nextAttemptMs === null ? 0 : (nextAttemptMs - Date.now()) / 1000;
  const next =
    state === 'started'
      ? `Attempt ${attempt} has started${worker ? ` on ${worker}` : ''}`
      : `Attempt ${attempt} follows in ${duration(seconds)}`;
  const since = lastFailureMs === null ? '' : ` It failed at ${timeOf(lastFailureMs)}.`;
  return {
    ...NOTHING,
    ...attemptOf(activity),
    reason: 'retrying',
    brief:
      state === 'started' ? `attempt ${attempt} is starting` : `attempt ${attempt} in ${duration(seconds)}`,
    message: `${lastTry(type, activity).replace(/\.+$/, '.')}${since} ${next}.`,
    sinceMs: lastFailureMs,
    queue: activity.queue,
  };
}

function silent(activity: PendingActivity): Waiting | null {
  const { type, heartbeatMs, startedMs, heartbeatTimeoutMs, worker } = activity;
  const lastMs = Math.max(heartbeatMs ?? 0, startedMs ?? 0);
  if (!isSilent(activity, Date.now())) return null;
  const seconds = (Date.now() - lastMs) / 1000;
  const until = duration((heartbeatTimeoutMs ?? 0) / 1000);
  return {
    ...NOTHING,
    ...attemptOf(activity),
    reason: 'silent',
    brief: `no sign of its worker for ${duration(seconds)}`,
    message: `The worker ${worker ?? ''} that runs ${type} was last heard from ${duration(seconds)} ago. After ${until} of silence the work is given to another worker.`,
    sinceMs: lastMs,
    queue: activity.queue,
  };
}

export function activityPaused({ workflowId, type, queue, attempt, worker }: PendingActivity): Waiting {
  return {
    ...NOTHING,
    reason: 'activity-paused',
    brief: `${type} is paused in Temporal`,
    message: `Somebody has paused the activity ${type} with Temporal's own command.`,
    command: `temporal activity unpause --workflow-id ${workflowId} --activity-type ${type}`,
    queue,
    attempt,
    worker,
  };
}

function deviceBusy({ queue, sinceMs }: { queue: string; sinceMs: number | null }, ahead: string[]): Waiting {
  const runs = ahead.length === 1 ? '1 run' : `${ahead.length} runs`;
  return {
    ...NOTHING,
    reason: 'device-busy',
    brief: `${runs} before this one`,
    message: `The workers of queue "${queue}" are busy: ${runs} before this one (${ahead.slice(0, 3).join(', ')}).`,
    queue,
    sinceMs,
  };
}

export interface Unattended {
  queue: string;
  kind: QueueKind;
  sinceMs: number | null;
  pollers?: Poller[];
  workflowQueue?: string;
}

/** Work that no worker takes from its queue. */
export async function unattended(client: Client, work: Unattended): Promise<Waiting> {
  const { queue, kind, sinceMs, workflowQueue } = work;
  const [latest] = work.pollers ?? (await pollersOf(client, queue, kind));
  const common = {
    ...NOTHING,
    queue,
    sinceMs,
    command: startCommand(queue, kind),
    worker: latest?.identity ?? null,
  };
  if (latest) {
    const seconds = duration((Date.now() - latest.lastPollMs) / 1000);
    return {
      ...common,
      reason: 'no-worker',
      brief: `no worker answers on queue ${queue}`,
      message: `No worker takes work from queue "${queue}": ${latest.identity} polled it last, ${seconds} ago.`,
    };
  }
  const need = needOf(environment.gpuTaskQueue(), queue);
  if (need && (await pollersOf(client, environment.gpuTaskQueue(), kind)).length > 0)
    return {
      ...common,
      reason: 'no-able-worker',
      brief: `no worker has ${need}`,
      message: `No worker can do this training: it needs ${need}, and no worker polls queue "${queue}".`,
    };
  const configured = kind === 'workflow' ? environment.taskQueue() : environment.gpuTaskQueue();
  if (!isUsual(queue) && queue !== configured && (await pollersOf(client, configured, kind)).length > 0)
    return {
      ...common,
      reason: 'wrong-queue',
      brief: `no worker polls queue ${queue}`,
      message: `No worker polls queue "${queue}", but workers poll "${configured}": is the name of the run's task queue misspelt?`,
    };
  if (
    workflowQueue &&
    workflowQueue !== queue &&
    (await pollersOf(client, workflowQueue, 'activity')).length > 0
  )
    return {
      ...common,
      reason: 'cpu-worker-only',
      brief: `only a CPU worker: no worker polls queue ${queue}`,
      message: `Only a CPU worker runs: no worker polls queue "${queue}", where work waits for a device.`,
    };
  return {
    ...common,
    reason: 'no-worker',
    brief: `no worker polls queue ${queue}`,
    message: `No worker polls queue "${queue}".`,
  };
}

function isUsual(queue: string): boolean {
  return Object.values(usualQueues()).includes(queue) || needOf(environment.gpuTaskQueue(), queue) !== null;
}

/** The command that starts a worker for a queue. */
export function startCommand(queue: string, kind: QueueKind): string {
  if (isUsual(queue)) {
    if (embeddedParts().length > 0) return 'gist up';
    const { workflows, cpu, evaluation } = usualQueues();
    return `gist worker --queue ${[workflows, cpu, evaluation].includes(queue) ? 'cpu' : 'gpu'}`;
  }
  const [variable, option] =
    kind === 'workflow' ? ['GIST_TASK_QUEUE', 'cpu'] : ['GIST_GPU_TASK_QUEUE', 'gpu'];
  return `${variable}=${queue} gist worker --queue ${option}`;
}
