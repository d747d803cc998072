/** Shows sweeps: their state, and every change of their runs until they end. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, LiveSweep } from '../client/index.js';
import { RunError } from '../core/errors.js';
import type { SweepRun, SweepRunState } from '../spec/sweep.js';
import { printNotice, printResult, table } from './terminal.js';
import { whoIsAway } from './watching.js';

const POLL_MS = 2_000;
const EXIT_DETACHED = 130;

export function formatSweep(sweep: LiveSweep): string {
  const { sweepId, status, state, runs, attention, result } = sweep;
  const counts = countsOf(runs).map(([name, count]) => `${count} ${name}`);
  const rows = runs.map((run) => [shownName(run), run.state, valueText(run), run.reason ?? '']);
  const lines = [
    `${sweepId}: ${status === 'running' ? state : status}; ${counts.join(', ') || 'no runs yet'}`,
  ];
  if (rows.length > 0) lines.push(table([['RUN', 'STATE', 'METRIC', ''], ...rows]));
  if (attention) lines.push(`Needs attention: ${attention.message}\n  -> gist resume ${sweepId}`);
  if (result)
    lines.push(result.answer, `Report: ${result.report} of the store; gist sweep report ${sweepId}`);
  const failed = runs.some((run) => run.state === 'failed' || run.state === 'unavailable');
  if (failed || (status !== 'running' && status !== 'completed'))
    lines.push(`  -> gist retry ${sweepId} runs again what is missing`);
  return lines.join('\n');
}

function countsOf(runs: readonly SweepRun<unknown>[]): [SweepRunState, number][] {
  const counts = new Map<SweepRunState, number>();
  for (const { state } of runs) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts];
}

/** A run, and the length of its training where the sweep compares several. */
function shownName({ runId, rungKimg }: SweepRun<unknown>): string {
  return rungKimg === undefined ? runId : `${runId} at ${rungKimg} kimg`;
}

function valueText({ value }: SweepRun<unknown>): string {
  return value === undefined ? '' : String(Number(value.toPrecision(5)));
}

/** Prints a line for each change until the sweep ends; Ctrl-C only detaches. */
export async function followSweep(client: Client, sweepId: string, json?: boolean): Promise<void> {
  const detach = () => {
    printNotice(`\nThe sweep continues. Watch it again with: gist watch ${sweepId}`);
    process.exit(EXIT_DETACHED);
  };
  process.once('SIGINT', detach);
  try {
    const sweep = await untilEnd(client, sweepId);
    // Temporal forgets what has ended; the store has what finished.
    if (sweep.status === 'completed' || sweep.status === 'unknown')
      return printResult(json, sweep, formatSweep(sweep));
    throw new RunError({
      what: `the sweep ended: ${sweep.status}`,
      where: sweepId,
      hint: `What has finished is kept. \`gist retry ${sweepId}\` continues it.`,
    });
  } finally {
    process.off('SIGINT', detach);
  }
}

/** A sweep outlives its servers: they are asked again until they answer. */
async function untilEnd(client: Client, sweepId: string): Promise<LiveSweep> {
  const { sweepOf } = await import('../client/index.js');
  const shown = new Map<string, string>();
  const notice = oncePerChange();
  for (; ; await sleep(POLL_MS)) {
    try {
      const sweep = await sweepOf(client, sweepId);
      if (!sweep) {
        notice(awayText('server'));
        continue;
      }
      const { attention } = sweep;
      notice(attention && `Needs attention: ${attention.message}\n  -> gist resume ${sweepId}`);
      for (const run of sweep.runs) showRun(run, shown);
      if (sweep.status !== 'running') return sweep;
    } catch (error) {
      const away = whoIsAway(error);
      if (away === null) throw error;
      notice(awayText(away));
    }
  }
}

function awayText(who: 'server' | 'store'): string {
  return `The ${who} does not answer; the sweep is safe, waiting for it.`;
}

/** Prints a text when it is another one than before. */
function oncePerChange(): (text: string | null) => void {
  let last: string | null = null;
  return (text) => {
    if (text !== null && text !== last) printNotice(text);
    last = text;
  };
}

function showRun(run: SweepRun<unknown>, shown: Map<string, string>): void {
  const name = shownName(run);
  if (shown.get(name) === run.state || (run.state === 'waiting' && !shown.has(name))) return;
  shown.set(name, run.state);
  printNotice([name, run.state, valueText(run), run.reason].filter(Boolean).join('  '));
}
