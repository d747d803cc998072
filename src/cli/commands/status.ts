/** `gist status`: the stack and its runs, or one run. */
import type { Command } from 'commander';
import type { LiveProgress, RunSummary } from '../../client/index.js';
import { requireStack, status, useStack } from '../../client/stack/stack.js';
import { STAGES } from '../../spec/pipeline.js';
import { duration, printResult, table } from '../terminal.js';
import { stageView } from '../stage-view.js';
import { formatParts } from './stack.js';

export function registerStatus(program: Command): void {
  program
    .command('status')
    .argument('[run]', 'id of a run; without it: the stack and its runs')
    .description('show the state of the stack and its runs')
    .option('--json', 'for machines')
    .addHelpText('after', '\nExamples:\n  gist status\n  gist status knee-oa-20260131-142233-1f0c --json')
    .action(async (runId: string | undefined, { json }: { json?: boolean }) => {
      if (runId) {
        requireStack();
        const { connect, progressOf } = await import('../../client/index.js');
        const progress = await progressOf(await connect(), runId);
        return printResult(json, progress, formatProgress(progress));
      }
      const parts = await status();
      useStack();
      const serves = parts.some(
        ({ part, state }) => part === 'temporal' && (state === 'serving' || state === 'yours'),
      );
      const runs = serves ? await runsOfServer() : [];
      printResult(json, { parts, runs }, `${formatParts(parts)}\n\n${formatRuns(runs)}`);
    });
}

async function runsOfServer(): Promise<RunSummary[]> {
  const { connect, listRuns } = await import('../../client/index.js');
  return listRuns(await connect());
}

function formatRuns(runs: RunSummary[]): string {
  if (runs.length === 0) return 'No runs yet, or the stack is down: gist up';
  const rows = runs.map(({ runId, status: state, stage, startedMs, closedMs }) => [
    runId,
    state,
    state === 'running' ? stage : '',
    duration(((closedMs ?? Date.now()) - startedMs) / 1000),
  ]);
  return table([['RUN', 'STATUS', 'STAGE', 'TIME'], ...rows]);
}

function formatProgress(progress: LiveProgress): string {
  const rows = STAGES.map((stage) => [
    stage,
    progress.stages[stage],
    progress.stages[stage] === 'running' ? stageView(progress, stage).text : '',
  ]);
  return `${progress.runId}: ${progress.status === 'running' ? progress.state : progress.status}\n${table(rows)}`;
}
