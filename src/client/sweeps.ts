/** Sweeps: starting them, what became of their runs, and running failed ones again. */
import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowExecutionDescription,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { environment } from '../core/environment.js';
import { RunError } from '../core/errors.js';
import { PROGRESS_QUERY } from '../spec/controls.js';
import { checkSweepId, SWEEP_WORKFLOWS, type SweepProgress, type SweepResult } from '../spec/sweep.js';
import { findSweep, listSweepRecords, sweepKind } from '../sweeps/index.js';
import { deploymentStore } from './deployment-store.js';
import { isUnanswered, type RunStatus, statusName, within } from './known-run.js';
import { sendOrder } from './orders.js';
import { requireSize } from './start.js';

/** What follows must still answer in time. */
const DESCRIBE_MS = 2_000;

/** A sweep, as `gist status SWEEP --json` shows it. */
export interface LiveSweep extends SweepProgress {
  status: RunStatus;
  /** Its result, once it has completed. */
  result: SweepResult | null;
}

/**
 * Starts a sweep; under the id of an ended one it continues that one, and runs only what has not
 * finished.
 *
 * @throws RunError when a sweep of this id is running
 */
export async function startSweep(
  client: Client,
  workflow: string,
  spec: { name: string },
  sweepId: string,
): Promise<void> {
  checkSweepId(sweepId);
  requireSize(spec);
  try {
    await client.workflow.start(workflow, {
      workflowId: sweepId,
      taskQueue: environment.taskQueue(),
      args: [spec],
      memo: { name: spec.name, stage: 'starting' },
      workflowIdConflictPolicy: 'FAIL',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      staticSummary: `${spec.name}: ${workflow}`,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    throw new RunError({
      what: `a sweep with the id "${sweepId}" is running already`,
      hint: `Watch it with \`gist watch ${sweepId}\`.`,
    });
  }
}

/** @returns null when it is no sweep, and when the server does not tell in time */
export async function sweepOf(client: Client, sweepId: string): Promise<LiveSweep | null> {
  const description = await describe(client, sweepId);
  if (description === 'unanswered') return null;
  if (description === null) return storedSweep(sweepId);
  if (!SWEEP_WORKFLOWS.includes(description.type)) return null;
  const handle = client.workflow.getHandle(sweepId);
  const ask = () => handle.query<SweepProgress, []>(PROGRESS_QUERY);
  const answer = await within(client, ask).catch(() => null);
  const status = statusName(description.status.name);
  const isComplete = status === 'completed';
  const result = isComplete ? await within(client, () => handle.result() as Promise<SweepResult>) : null;
  return { ...(answer ?? (await withoutWorker(description))), status, result };
}

/** null: Temporal does not know it. */
async function describe(
  client: Client,
  id: string,
): Promise<WorkflowExecutionDescription | null | 'unanswered'> {
  try {
    return await within(client, () => client.workflow.getHandle(id).describe(), DESCRIBE_MS);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    if (isUnanswered(error)) return 'unanswered';
    throw error;
  }
}

/** No worker answers: the memo, and the finished runs that the store has, if it answers. */
async function withoutWorker(description: WorkflowExecutionDescription): Promise<SweepProgress> {
  const { workflowId, type, memo } = description;
  const { name, stage } = (memo ?? {}) as { name?: string; stage?: string };
  const stored = await storedSweep(workflowId).catch(() => null);
  return {
    sweepId: workflowId,
    workflow: type,
    name: name ?? '',
    state: stage === undefined || stage === 'starting' ? 'starting' : 'running',
    attention: null,
    runs: stored?.runs ?? [],
  };
}

/** What the store has of a sweep: its finished runs. */
async function storedSweep(sweepId: string): Promise<LiveSweep | null> {
  const store = deploymentStore();
  const sweep = store && (await findSweep(store, sweepId));
  if (!sweep) return null;
  const records = await listSweepRecords(store, sweepId);
  const { metric } = sweepKind(sweep.workflow, sweep.spec);
  const runs = records.map(({ runId, point, rungKimg, metrics }) => ({
    ...{ runId, point, state: 'done' as const, value: metrics[metric] },
    ...(rungKimg !== undefined && { rungKimg }),
  }));
  const { name } = sweep.spec as { name: string };
  return {
    ...{ sweepId, workflow: sweep.workflow, name, state: 'done', attention: null, runs },
    status: 'unknown',
    result: null,
  };
}

/** Runs again what has failed; @returns what it did, in a sentence */
export async function retrySweep(client: Client, sweep: LiveSweep): Promise<string> {
  const { sweepId, workflow, status } = sweep;
  if (status === 'running') return (await sendOrder(client, sweepId, 'retryRuns')).message;
  const store = deploymentStore();
  const recorded = store && (await findSweep(store, sweepId));
  if (!recorded)
    throw new RunError({
      what: 'the store has no spec of this sweep',
      where: sweepId,
      hint: 'It failed before it was recorded: start it again with `gist sweep`.',
    });
  await startSweep(client, workflow, recorded.spec as { name: string }, sweepId);
  return `Sweep ${sweepId} continues; runs that have finished are kept. Watch it with: gist watch ${sweepId}`;
}

/** Sweeps of the namespace, the running ones first. */
export async function listSweeps(client: Client): Promise<SweepSummary[]> {
  const types = SWEEP_WORKFLOWS.map((type) => `'${type}'`).join(', ');
  const sweeps: SweepSummary[] = [];
  for await (const info of client.workflow.list({ query: `WorkflowType IN (${types})` })) {
    const { name, stage } = (info.memo ?? {}) as { name?: string; stage?: string };
    sweeps.push({
      sweepId: info.workflowId,
      name: name ?? '',
      status: statusName(info.status.name),
      stage: stage ?? '',
      startedMs: info.startTime.getTime(),
      closedMs: info.closeTime?.getTime() ?? null,
    });
  }
  return sweeps.sort((a, b) => Number(b.status === 'running') - Number(a.status === 'running'));
}

/** A sweep in a list. */
export interface SweepSummary {
  sweepId: string;
  name: string;
  status: RunStatus;
  /** As in `3 of 18 runs`. */
  stage: string;
  startedMs: number;
  closedMs: number | null;
}
