/** `gist report`: downloads the report of a finished run, and opens it. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import type { Command } from 'commander';
import { useStack } from '../../client/stack/stack.js';
import { RunError } from '../../core/errors.js';
import type { EvaluateResult } from '../../spec/results.js';
import { checkRunId } from '../../spec/run-id.js';
import { conclusionText } from '../conclusion-text.js';
import { printNotice, printResult } from '../terminal.js';

interface ReportOptions {
  open?: boolean;
  out?: string;
  json?: boolean;
}

const EXAMPLES = `
Examples:
  gist report knee-oa-20260131-142233-1f0c --open
  gist report knee-oa-20260131-142233-1f0c --out paper/evaluation`;

export function registerReport(program: Command): void {
  program
    .command('report')
    .argument('<run>', 'id of the run')
    .description(
      'download the report of a run: the page, its figures, the metrics as JSON, CSV and LaTeX, the data card',
    )
    .option('--out <folder>', 'folder for the files (default: .gist/reports/<run>)')
    .option('--open', 'open the page in the browser')
    .option('--json', 'for machines')
    .addHelpText('after', EXAMPLES)
    .action(report);
}

async function report(runId: string, { open, out, json }: ReportOptions): Promise<void> {
  checkRunId(runId);
  useStack();
  const evaluate = await evaluationOf(runId);
  const { downloadReport } = await import('../../client/report-download.js');
  const page = await downloadReport(runId, evaluate, out === undefined ? undefined : path.resolve(out));
  const { conclusion = null } = evaluate;
  const lines = [`The report is ${page}`, ...(conclusion ? ['', ...conclusionText(conclusion)] : [])];
  printResult(json, { runId, report: page, folder: path.dirname(page), conclusion }, lines.join('\n'));
  if (open) await openPage(page);
}

/** @throws RunError when the run is unknown, or has no evaluation */
async function evaluationOf(runId: string): Promise<EvaluateResult> {
  const { deploymentStore } = await import('../../client/deployment-store.js');
  const { findRunRecord, findStageRecords } = await import('../../storage/runs.js');
  const store = deploymentStore();
  const { findSweep } = await import('../../sweeps/index.js');
  if (store && (await findSweep(store, runId)))
    throw new RunError({
      what: 'is a sweep, not a run',
      where: runId,
      hint: `gist sweep report ${runId} writes and downloads its report; each of its runs has one of its own.`,
    });
  if (!store || !(await findRunRecord(store, runId)))
    throw new RunError({ what: `there is no run "${runId}"`, hint: '`gist status` lists all runs.' });
  const { evaluate } = await findStageRecords(store, runId);
  if (evaluate?.stage === 'evaluate') return evaluate;
  throw new RunError({
    what: 'the run has no report: its stage "evaluate" is not finished, or it has none',
    where: runId,
    hint: `gist status ${runId} shows its stages; gist run SPEC --stages evaluate --from ${runId} evaluates it.`,
  });
}

/** The page is there in any case: a machine without a browser is no failure. */
async function openPage(page: string): Promise<void> {
  const program = process.platform === 'darwin' ? 'open' : 'xdg-open';
  const isOpened = await new Promise<boolean>((resolve) => {
    const child = spawn(program, [page], { stdio: 'ignore', detached: true });
    child.once('error', () => resolve(false));
    child.once('spawn', () => {
      child.unref();
      resolve(true);
    });
  });
  if (!isOpened) printNotice(`${program} is not installed: open the file in a browser yourself.`);
}
