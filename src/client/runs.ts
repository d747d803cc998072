/** Starts, lists, watches and controls runs through Temporal. */
import { randomBytes } from 'node:crypto';
import {
  type Client,
  defaultPayloadConverter,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { environment } from '../core/environment.js';
import { GistError, RunError } from '../core/errors.js';
import {
  type ControlReply,
  type ControlUpdate,
  PIPELINE_WORKFLOW,
  PROGRESS_QUERY,
  type RunProgress,
  type TrainHeartbeat,
} from '../spec/controls.js';
import type { PipelineInput } from '../spec/pipeline.js';
import type { PipelineResult } from '../spec/results.js';

export type RunStatus = 'running' | 'completed' | 'failed' | 'canceled' | 'terminated' | 'timed-out';

/** A run in a list. */
export interface RunSummary {
  runId: string;
  name: string;
  stage: string;
  status: RunStatus;
  startedMs: number;
  closedMs: number | null;
}

/** A run's progress with the newest heartbeat of its training. */
export interface LiveProgress extends RunProgress {
  live: TrainHeartbeat | null;
  status: RunStatus;
}

/** A unique id that sorts by time: `knee-oa-20260131-142233-1f0c`. */
export function newRunId(name: string, now = new Date()): string {
  const [date, time] = now.toISOString().replace(/[-:]/g, '').split(/[T.]/);
  return `${name}-${date}-${time}-${randomBytes(2).toString('hex')}`;
}

/** @throws RunError when a run of this id is running. */
export async function startRun(
  client: Client,
  spec: PipelineInput,
  runId = newRunId(spec.name),
): Promise<string> {
  try {
    await client.workflow.start(PIPELINE_WORKFLOW, {
      workflowId: runId,
      taskQueue: environment.taskQueue(),
      args: [spec],
      memo: { name: spec.name, stage: 'starting' },
      workflowIdConflictPolicy: 'FAIL',
    });
    return runId;
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    throw new RunError({
      what: `a run with the id "${runId}" is running already`,
      hint: `Watch it with \`gist watch ${runId}\`.`,
    });
  }
}

/** Runs, newest first. */
export async function listRuns(client: Client, limit = 50): Promise<RunSummary[]> {
  const runs: RunSummary[] = [];
  for await (const info of client.workflow.list({
    query: `WorkflowType = '${PIPELINE_WORKFLOW}'`,
    pageSize: limit,
  })) {
    const { name, stage } = (info.memo ?? {}) as { name?: string; stage?: string };
    runs.push({
      runId: info.workflowId,
      name: name ?? '',
      stage: stage ?? '',
      status: statusName(info.status.name),
      startedMs: info.startTime.getTime(),
      closedMs: info.closeTime?.getTime() ?? null,
    });
    if (runs.length >= limit) break;
  }
  return runs;
}

/** @throws RunError when there is no such run. */
export async function runStatus(client: Client, runId: string): Promise<RunStatus> {
  return withKnownRun(runId, async () =>
    statusName((await client.workflow.getHandle(runId).describe()).status.name),
  );
}

/** @throws RunError when there is no such run. */
export async function progressOf(client: Client, runId: string): Promise<LiveProgress> {
  return withKnownRun(runId, async () => {
    const handle = client.workflow.getHandle(runId);
    const [progress, { status }] = await Promise.all([
      handle.query<RunProgress, []>(PROGRESS_QUERY),
      handle.describe(),
    ]);
    const live =
      progress.train && progress.stages.train === 'running'
        ? await heartbeatOf(client, progress.train.workflowId)
        : null;
    return { ...progress, live, status: statusName(status.name) };
  });
}

/** The newest heartbeat of the training activity; null between attempts. */
async function heartbeatOf(client: Client, workflowId: string): Promise<TrainHeartbeat | null> {
  try {
    const { raw } = await client.workflow.getHandle(workflowId).describe();
    const training = raw.pendingActivities?.find(({ activityType }) => activityType?.name === 'train');
    const payload = training?.heartbeatDetails?.payloads?.[0];
    return payload ? defaultPayloadConverter.fromPayload<TrainHeartbeat>(payload) : null;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

/** Sends an update to a run. @throws RunError when the run rejects it */
export async function control(
  client: Client,
  runId: string,
  update: ControlUpdate,
  input?: object,
): Promise<ControlReply> {
  return withKnownRun(runId, async () => {
    const handle = client.workflow.getHandle(runId);
    try {
      return await (input
        ? handle.executeUpdate<ControlReply, [object]>(update, { args: [input] })
        : handle.executeUpdate<ControlReply, []>(update));
    } catch (error) {
      if (!(error instanceof WorkflowUpdateFailedError)) throw error;
      throw new RunError({ what: error.cause?.message ?? 'the run rejected it', where: runId });
    }
  });
}

/** Waits for the end of a run. @throws RunError with the type and message of what made it fail */
export async function resultOf(client: Client, runId: string): Promise<PipelineResult> {
  return withKnownRun(runId, async () => {
    try {
      return (await client.workflow.getHandle(runId).result()) as PipelineResult;
    } catch (error) {
      if (!(error instanceof WorkflowFailedError)) throw error;
      throw new FailedRunError(runId, rootCause(error));
    }
  });
}

/** A run that ended without its result. */
export class FailedRunError extends GistError {
  override readonly name = 'FailedRunError';
  override readonly causeClass = 'input';
  override readonly exitCode = 1;

  constructor(
    readonly runId: string,
    readonly reason: { type: string; message: string },
  ) {
    super({
      what:
        reason.type === 'CancelledFailure'
          ? 'the run was cancelled'
          : `the run failed with ${reason.type}: ${reason.message}`,
      where: runId,
      hint: `\`gist logs ${runId}\` shows its log; once the cause is fixed, the same \`gist run\` reuses the finished stages.`,
    });
  }
}

/** The innermost cause: Temporal wraps it in failures of the activity and of child workflows. */
function rootCause(error: Error): { type: string; message: string } {
  let inner: Error = error;
  while (inner.cause instanceof Error) inner = inner.cause;
  const type = 'type' in inner && typeof inner.type === 'string' ? inner.type : inner.name;
  return { type, message: inner.message };
}

async function withKnownRun<T>(runId: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    throw new RunError({
      what: `there is no run "${runId}"`,
      hint: '`gist status` lists all runs.',
    });
  }
}

function statusName(name: string): RunStatus {
  const names: Record<string, RunStatus> = {
    COMPLETED: 'completed',
    FAILED: 'failed',
    CANCELLED: 'canceled',
    TERMINATED: 'terminated',
    TIMED_OUT: 'timed-out',
  };
  return names[name] ?? 'running';
}
