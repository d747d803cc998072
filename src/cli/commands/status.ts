/** `gist status`: the stack and its runs, or one run. */
import type { Command } from 'commander';
import type { LiveProgress, RunFilter, RunSummary, SweepSummary } from '../../client/index.js';
import { requireStack, status, useStack } from '../../client/stack/stack.js';
import { UsageError } from '../../core/errors.js';
import { checkRunId } from '../../spec/run-id.js';
import { STAGES } from '../../spec/pipeline.js';
import { stageView } from '../stage-view.js';
import { formatSweep } from '../sweep-view.js';
import { duration, printResult, table } from '../terminal.js';
import { waitingLine } from '../waiting-line.js';
import { formatParts } from './stack.js';

/** The newest gaps of a curve that are shown. */
const GAPS_SHOWN = 3;

interface StatusOptions {
  state?: string;
  name?: string;
  dataset?: string;
  limit?: string;
  page?: string;
  json?: boolean;
}

const HELP = `
--json of one run has the same keys in every state: "status" and "state"; "stages"; "train" (kimg, curve, checkpoint);
"live" (numbers of the attempt that trains now, or null); "waiting" (why it does not advance, or null);
"attention" (why it is parked, or null); "ended" (how it ended and the command that continues it, or null).

Examples:
  gist status
  gist status --state failed --limit 20
  gist status knee-oa-20260131-142233-1f0c --json`;

export function registerStatus(program: Command): void {
  program
    .command('status')
    .argument('[run]', 'id of a run or sweep; without it: the stack and its runs')
    .description('show the state of the stack and its runs, the running ones first')
    .option('--state <state>', 'only runs in this state: running, paused, needs-attention, failed, ...')
    .option('--name <name>', 'only runs of this name')
    .option('--dataset <digest>', 'only runs on this data set')
    .option('--limit <count>', 'at most so many runs; default: all')
    .option('--page <number>', 'with --limit: which page, from 1')
    .option('--json', 'for machines')
    .addHelpText('after', HELP)
    .action((runId: string | undefined, options: StatusOptions) =>
      runId === undefined ? showAll(options) : showOne(runId, options),
    );
}

async function showOne(runId: string, { json }: StatusOptions): Promise<void> {
  checkRunId(runId);
  requireStack();
  const { connect, progressOf, sweepOf } = await import('../../client/index.js');
  const client = await connect();
  const sweep = await sweepOf(client, runId);
  if (sweep) return printResult(json, sweep, formatSweep(sweep));
  const progress = await progressOf(client, runId);
  const text = formatProgress(progress);
  const note = await strengthOf(progress.train?.lastCheckpoint?.prefix);
  printResult(json, progress, note ? `${text}\n${note}` : text);
}

/** What is to be said of the augmentation at a checkpoint. */
async function strengthOf(prefix: string | undefined): Promise<string | null> {
  const { deploymentStore } = await import('../../client/deployment-store.js');
  const { strengthNote } = await import('../../checkpoints/index.js');
  const store = deploymentStore();
  return prefix && store ? strengthNote(store, prefix) : null;
}

async function showAll(options: StatusOptions): Promise<void> {
  const filter = filterOf(options);
  const parts = await status();
  useStack();
  const serves = parts.some(
    ({ part, state }) => part === 'temporal' && (state === 'serving' || state === 'yours'),
  );
  const { runs, sweeps } = serves ? await workOfServer(filter) : { runs: [], sweeps: [] };
  const text = [formatParts(parts), ...(sweeps.length > 0 ? [formatSweeps(sweeps)] : []), formatRuns(runs)];
  printResult(options.json, { parts, sweeps, runs }, text.join('\n\n'));
}

function filterOf({ state, name, dataset, limit, page }: StatusOptions): RunFilter {
  const whole = (option: string, text: string) => {
    const value = Number(text);
    if (Number.isInteger(value) && value > 0) return value;
    throw new UsageError({
      what: `${option} ${text} is not a positive whole number`,
      hint: `Write ${option} 20.`,
    });
  };
  if (page !== undefined && limit === undefined)
    throw new UsageError({
      what: `--page ${page} needs the length of a page`,
      hint: `Write --limit 20 --page ${page}.`,
    });
  return {
    state,
    name,
    dataset,
    ...(limit !== undefined && { limit: whole('--limit', limit), page: whole('--page', page ?? '1') }),
  };
}

async function workOfServer(filter: RunFilter): Promise<{ runs: RunSummary[]; sweeps: SweepSummary[] }> {
  const { connect, listRuns, listSweeps } = await import('../../client/index.js');
  const client = await connect();
  return { runs: await listRuns(client, filter), sweeps: await listSweeps(client) };
}

function formatSweeps(sweeps: SweepSummary[]): string {
  const rows = sweeps.map(({ sweepId, status: ending, stage, startedMs, closedMs }) => [
    sweepId,
    ending,
    stage,
    duration(((closedMs ?? Date.now()) - startedMs) / 1000),
  ]);
  return table([['SWEEP', 'STATE', 'RUNS', 'TIME'], ...rows]);
}

function formatRuns(runs: RunSummary[]): string {
  if (runs.length === 0) return 'No runs yet, or the stack is down: gist up';
  const rows = runs.map(({ runId, status: ending, state, stage, startedMs, closedMs }) => [
    runId,
    state,
    ending === 'completed' ? '' : stage,
    duration(((closedMs ?? Date.now()) - startedMs) / 1000),
  ]);
  return table([['RUN', 'STATE', 'STAGE', 'TIME'], ...rows]);
}

/** Which checkpoint the training resumed from and why not the newest; snapshots without metrics. */
function trainingNotes({ train, live, waiting }: LiveProgress): string[] {
  const resumption = live?.resumption ?? train?.resumption;
  const lines: string[] = [];
  if (live?.storage && waiting?.reason !== 'no-room') lines.push(live.storage);
  if (resumption?.from) lines.push(`The training resumed from ${resumption.from.kimg} kimg.`);
  lines.push(...(resumption?.warnings.map((warning) => `Warning: ${warning}`) ?? []));
  const gaps = train?.gaps.map(({ kimg, reason }) => `${kimg} kimg (${reason})`) ?? [];
  if (gaps.length > 0) lines.push(`Snapshots without metrics: ${gaps.slice(-GAPS_SHOWN).join(', ')}`);
  return lines;
}

export function formatProgress(progress: LiveProgress): string {
  const { runId, status: ending, state, waiting, ended, source } = progress;
  const rows = STAGES.map((stage) => [
    stage,
    ended?.stage === stage ? 'ended here' : progress.stages[stage],
    progress.stages[stage] === 'running' ? stageView(progress, stage).text : '',
  ]);
  const lines = [`${runId}: ${ending === 'running' ? state : ending}`, table(rows)];
  lines.push(...trainingNotes(progress));
  if (source === 'store') lines.push('Temporal no longer has this run; this is what the store has.');
  if (waiting) lines.push(waitingLine(waiting));
  if (ended) {
    lines.push(ended.message);
    if (ended.checkpoint)
      lines.push(`Last checkpoint: ${ended.checkpoint.kimg} kimg, ${ended.checkpoint.prefix}`);
    if (ended.next) lines.push(`  -> ${ended.next}`);
  }
  return lines.join('\n');
}
