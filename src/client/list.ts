/** Lists runs: the running ones first, then the ended ones, newest first. */
import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { UsageError } from '../core/errors.js';
import { PIPELINE_WORKFLOW } from '../spec/controls.js';
import type { SearchAttributeName } from '../spec/search-attributes.js';
import { type RunStatus, statusName } from './known-run.js';
import { isRegistered } from './search-attributes.js';

/** A run in a list. */
export interface RunSummary {
  runId: string;
  name: string;
  /** The stage that runs, or that the run ended in. */
  stage: string;
  status: RunStatus;
  /** Of a running run: `running`, `paused` or `needs-attention`; otherwise its status. */
  state: string;
  startedMs: number;
  closedMs: number | null;
}

export interface RunFilter {
  /** A status, or the state of a running run. */
  state?: string;
  name?: string;
  /** Digest of a data set. */
  dataset?: string;
  /** Runs on one page; undefined: all. */
  limit?: number;
  /** From 1; without a limit there is one page. */
  page?: number;
}

const CLOSED_STATES: Record<string, string> = {
  completed: 'Completed',
  failed: 'Failed',
  canceled: 'Canceled',
  terminated: 'Terminated',
  'timed-out': 'TimedOut',
};
const RUNNING_STATES = ['running', 'pausing', 'paused', 'needs-attention'];
const RUNNING = "ExecutionStatus = 'Running'";

/** @throws UsageError for an unknown state, and for a filter that the namespace cannot apply */
export async function listRuns(client: Client, filter: RunFilter = {}): Promise<RunSummary[]> {
  const conditions = await conditionsOf(client, filter);
  const { limit = Number.POSITIVE_INFINITY, page = 1 } = filter;
  const from = Number.isFinite(limit) ? (page - 1) * limit : 0;
  const runs: RunSummary[] = [];
  let index = 0;
  for (const part of [RUNNING, RUNNING.replace('=', '!=')]) {
    const query = [`WorkflowType = '${PIPELINE_WORKFLOW}'`, part, ...conditions].join(' AND ');
    for await (const info of client.workflow.list({ query })) {
      if (runs.length >= limit) return runs;
      const run = summaryOf(info);
      // Without its attribute, a name is known from the memo.
      if (filter.name !== undefined && run.name !== filter.name) continue;
      if (index++ >= from) runs.push(run);
    }
  }
  return runs;
}

function summaryOf(info: WorkflowExecutionInfo): RunSummary {
  const { name, stage } = (info.memo ?? {}) as { name?: string; stage?: string };
  const status = statusName(info.status.name);
  const attribute = (key: SearchAttributeName) => (info.searchAttributes[key] as string[] | undefined)?.[0];
  return {
    runId: info.workflowId,
    name: name ?? attribute('gistName') ?? '',
    stage: stage ?? attribute('gistStage') ?? '',
    status,
    state: status === 'running' ? (attribute('gistState') ?? status) : status,
    startedMs: info.startTime.getTime(),
    closedMs: info.closeTime?.getTime() ?? null,
  };
}

async function conditionsOf(client: Client, { state, name, dataset }: RunFilter): Promise<string[]> {
  const conditions: string[] = [];
  if (state !== undefined) conditions.push(await stateCondition(client, state));
  if (name !== undefined && (await isRegistered(client, 'gistName')))
    conditions.push(`(gistName = ${quoted(name)} OR gistName IS NULL)`);
  if (dataset !== undefined) {
    await requireAttribute(client, 'gistDataset', '--dataset');
    conditions.push(`gistDataset = ${quoted(dataset)}`);
  }
  return conditions;
}

async function stateCondition(client: Client, state: string): Promise<string> {
  const closed = CLOSED_STATES[state];
  if (closed) return `ExecutionStatus = '${closed}'`;
  if (!RUNNING_STATES.includes(state))
    throw new UsageError({
      what: `--state ${state} is not a state of a run`,
      hint: `States: ${[...RUNNING_STATES, ...Object.keys(CLOSED_STATES)].join(', ')}.`,
    });
  if (state === 'running') return RUNNING;
  await requireAttribute(client, 'gistState', `--state ${state}`);
  return `${RUNNING} AND gistState = '${state}'`;
}

async function requireAttribute(client: Client, name: SearchAttributeName, option: string): Promise<void> {
  if (await isRegistered(client, name)) return;
  throw new UsageError({
    what: `${option} needs the search attribute ${name}, which the Temporal namespace does not have`,
    hint: `Add it once: \`temporal operator search-attribute create --name ${name} --type Keyword\`; later runs set it.`,
  });
}

/** A string in a query of Temporal. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
