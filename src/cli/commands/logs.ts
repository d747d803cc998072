/** `gist logs`: log lines of a run, from the worker of this machine and from the store. */
import { createReadStream, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import type { Attempt } from '../../checkpoints/index.js';
import { logOf } from '../../client/stack/parts.js';
import { openStackFolder, useStack } from '../../client/stack/stack.js';
import { GistError, RunError, UsageError } from '../../core/errors.js';
import { checkRunId } from '../../spec/run-id.js';
import { printNotice, printResult } from '../terminal.js';

export function registerLogs(program: Command): void {
  program
    .command('logs')
    .argument('<run>', 'id of the run')
    .description("show the log lines of a run: of this machine's worker, and of its trainers on any machine")
    .option('-n, --lines <count>', 'number of lines of each log, from the end', '100')
    .option('--json', 'for machines')
    .addHelpText('after', '\nExamples:\n  gist logs knee-oa-20260131-142233-1f0c -n 20')
    .action(showLogs);
}

async function showLogs(runId: string, { lines, json }: { lines: string; json?: boolean }): Promise<void> {
  checkRunId(runId);
  const count = Number(lines);
  if (!(count > 0))
    throw new UsageError({ what: `--lines ${lines} is not a positive number`, hint: 'Write --lines 100.' });
  const found = (await linesOfRun(runId)).slice(-count);
  const attempts = await attemptsOf(runId, count);
  if (found.length === 0 && attempts.length === 0) {
    throw new RunError({
      what: `the worker's log has no line of "${runId}", and the store has no log of its training`,
      hint: '`gist status` lists the runs; older logs are in .gist/logs.',
    });
  }
  const sections = attempts.map((attempt) => [titleOf(attempt), ...attempt.lines].join('\n'));
  printResult(json, { runId, lines: found, attempts }, [...sections, found.join('\n')].join('\n').trim());
}

function titleOf({ attempt, record }: Attempt): string {
  const start = record?.resumedFrom ? `from ${record.resumedFrom.kimg} kimg` : 'from scratch';
  const title = `== trainer, attempt of ${new Date(attempt).toISOString()}`;
  return [record ? `${title}, ${start}` : title, ...(record?.warnings ?? [])].join('\n');
}

async function linesOfRun(runId: string): Promise<string[]> {
  const log = logOf(openStackFolder(), 'worker');
  if (!existsSync(log)) return [];
  const found: string[] = [];
  for await (const line of createInterface({ input: createReadStream(log) }))
    if (line.includes(runId)) found.push(line);
  return found;
}

/** Logs and reports of all attempts, the oldest first; none when the store does not answer. */
async function attemptsOf(runId: string, count: number): Promise<Attempt[]> {
  useStack();
  const { deploymentStore } = await import('../../client/deployment-store.js');
  const { readAttempts } = await import('../../checkpoints/index.js');
  const store = deploymentStore();
  try {
    return store ? await readAttempts(store, runId, count) : [];
  } catch (error) {
    if (!(error instanceof GistError)) throw error;
    printNotice(`The store does not answer, so its logs are missing: ${error.message}`);
    return [];
  }
}
