/** Continues a run that failed, was parked, cancelled or terminated, on its own checkpoints. */
import { type Client, defaultPayloadConverter, WorkflowNotFoundError } from '@temporalio/client';
import { RunError } from '../core/errors.js';
import type { CheckpointRef } from '../spec/results.js';
import { forgetDirective } from '../storage/runs.js';
import { cancelRun } from './cancel.js';
import { continuationOf } from './continuation.js';
import { deploymentStore } from './deployment-store.js';
import { noSuchRun } from './known-run.js';
import type { LiveProgress } from './live-progress.js';
import { sendOrder } from './orders.js';
import { progressOf } from './progress.js';
import { type RetryChanges, refuseOtherTraining } from './retry-changes.js';
import { startRun } from './start.js';
import { recordedSpec } from './stored-run.js';

/** What became of a retry. */
export interface Retry {
  runId: string;
  /** `resumed`: it was parked; `started`: a new execution under the same id. */
  action: 'resumed' | 'started';
  /** null: it starts from scratch. */
  checkpoint: CheckpointRef | null;
  message: string;
}

/** How long a parked run may take to end before it starts with a changed spec. */
const CANCEL_MS = 120_000;

/**
 * Works with the spec of `run.json` in the store, also when Temporal has forgotten the run.
 *
 * @throws RunError when there is no such run, it runs without needing attention, or it is complete
 *   and nothing changes; SpecError when its checkpoints do not fit what changes
 */
export async function retryRun(client: Client, runId: string, changes: RetryChanges): Promise<Retry> {
  const progress = await progressOf(client, runId);
  if (progress.status === 'running' && progress.state !== 'needs-attention') throw isRunning(progress);
  const isChanged = changes.keys.length > 0;
  if (progress.status === 'completed' && !isChanged) throw isComplete(runId);
  if (progress.status === 'running' && !isChanged) {
    const { message } = await sendOrder(client, runId, 'resume');
    return { runId, action: 'resumed', checkpoint: progress.train?.lastCheckpoint ?? null, message };
  }
  const store = deploymentStore();
  const recorded = (await recordedSpec(runId)) ?? (await startedWith(client, runId));
  const spec = changes.apply(recorded);
  if (store && isChanged)
    await refuseOtherTraining(store, runId, { recorded, changed: spec, keys: changes.keys });
  if (progress.status === 'running') await endParked(client, runId);
  // An earlier stop or extension would take precedence over the length that the user gives now.
  if (store && changes.keys.some((key) => LENGTH_KEYS.includes(key))) await forgetDirective(store, runId);
  await startRun(client, spec, runId, { continues: true });
  const { checkpoint } = await continuationOf(runId);
  const from = checkpoint ? `resumes from ${checkpoint.kimg} kimg` : 'starts again';
  return {
    runId,
    action: 'started',
    checkpoint,
    message: `Run ${runId} ${from}. Watch it with: gist watch ${runId}`,
  };
}

/** Keys that set the length of a training. */
const LENGTH_KEYS = ['train', 'train.kimg'];

function isRunning({ runId, state, waiting }: LiveProgress): RunError {
  if (state === 'paused' || state === 'pausing')
    return new RunError({
      what: 'the run is paused',
      where: runId,
      hint: `Continue it with \`gist resume ${runId}\`.`,
    });
  const help = waiting?.command ? ` \`${waiting.command}\` helps.` : '';
  return new RunError({
    what: waiting ? `the run is running and waits. ${waiting.message}` : 'the run is running',
    where: runId,
    hint: `${help} To change its spec: \`gist cancel ${runId}\`, then \`gist retry ${runId} --set key=value\`.`.trim(),
  });
}

function isComplete(runId: string): RunError {
  return new RunError({
    what: 'the run is complete',
    where: runId,
    hint: `To train it longer: \`gist retry ${runId} --set train.kimg=...\`.`,
  });
}

async function endParked(client: Client, runId: string): Promise<void> {
  const { status } = await cancelRun(client, runId, CANCEL_MS);
  if (status !== 'running') return;
  throw new RunError({
    what: 'the parked run did not end in time, so nothing was started',
    where: runId,
    hint: `See \`gist status ${runId}\`, then retry.`,
  });
}

/** The input of a run that failed before its spec was recorded, from its history. */
async function startedWith(client: Client, runId: string): Promise<unknown> {
  try {
    const { history } = await client.workflowService.getWorkflowExecutionHistory({
      namespace: client.options.namespace,
      execution: { workflowId: runId },
      maximumPageSize: 1,
    });
    const payload = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0];
    return payload ? defaultPayloadConverter.fromPayload(payload) : null;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw noSuchRun(runId);
    throw error;
  }
}
