/** The progress of a run: its own answer, what the server knows, and what it waits for. */
import { type Client, type WorkflowExecutionDescription, WorkflowNotFoundError } from '@temporalio/client';
import { PROGRESS_QUERY, type RunProgress, type TrainHeartbeat } from '../spec/controls.js';
import { type Stage, STAGES } from '../spec/pipeline.js';
import { endOf } from './ended.js';
import { isUnanswered, RESPONSE_MS, type RunStatus, statusName, within } from './known-run.js';
import type { LiveProgress } from './live-progress.js';
import { type ObservedRun, observeRun } from './pending.js';
import { sketch, storedRun } from './stored-run.js';
import { advances, findWaiting } from './waiting.js';

/** Answers within 10 s, whether or not a worker polls. @throws RunError for an unknown run */
export async function progressOf(client: Client, runId: string): Promise<LiveProgress> {
  const answer = askRun(client, runId);
  try {
    const observed = await within(client, () => observeRun(client, runId));
    return await progressFrom(client, observed, await answer);
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    return storedRun(runId);
  }
}

/** null when no worker answers in time, or the run was refused before it could answer. */
export async function askRun(
  client: Client,
  runId: string,
  milliseconds = RESPONSE_MS,
): Promise<RunProgress | null> {
  const ask = () => client.workflow.getHandle(runId).query<RunProgress, []>(PROGRESS_QUERY);
  return within(client, ask, milliseconds).catch(() => null);
}

async function progressFrom(
  client: Client,
  observed: ObservedRun,
  answer: RunProgress | null,
): Promise<LiveProgress> {
  const { pipeline } = observed;
  const status = statusName(pipeline.status.name);
  const progress = answer ?? fromMemo(pipeline, status);
  const isRunning = status === 'running';
  const [waiting, ended] = await within(client, () =>
    Promise.all([isRunning ? waitingInTime(client, observed, answer) : null, endOf(client, pipeline)]),
  );
  const live = isRunning ? liveTraining(observed) : null;
  return { ...progress, status, source: answer ? 'run' : 'server', live, waiting, ended };
}

/** null also where the server does not tell in time: everything else is shown without it. */
async function waitingInTime(client: Client, observed: ObservedRun, answer: RunProgress | null) {
  try {
    return await findWaiting(client, observed, answer);
  } catch (error) {
    if (isUnanswered(error)) return null;
    throw error;
  }
}

function fromMemo({ workflowId, memo }: WorkflowExecutionDescription, status: RunStatus): RunProgress {
  const { name, stage } = (memo ?? {}) as { name?: string; stage?: string };
  const at = STAGES.indexOf(stage as Stage);
  const stateOf = (other: Stage) => {
    const index = STAGES.indexOf(other);
    if (status === 'completed' || (at >= 0 && index < at)) return 'done';
    return index === at ? 'running' : 'waiting';
  };
  const state = status === 'completed' ? 'done' : 'running';
  return { ...sketch(workflowId, null, stateOf), name: name ?? '', state };
}

/** The heartbeat of the attempt that runs: numbers of an earlier attempt are not live. */
function liveTraining({ activities }: ObservedRun): TrainHeartbeat | null {
  const training = activities.find(({ type }) => type === 'train');
  if (!training || !advances(training)) return null;
  const heartbeat = training.heartbeat as Partial<TrainHeartbeat> | null;
  return heartbeat?.attempt === training.attempt ? (heartbeat as TrainHeartbeat) : null;
}
