/** `gist logs`: the worker's log lines of a run. */
import { createReadStream, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import { logOf } from '../../client/stack/parts.js';
import { openStackFolder } from '../../client/stack/stack.js';
import { RunError, UsageError } from '../../core/errors.js';
import { printResult } from '../terminal.js';

export function registerLogs(program: Command): void {
  program
    .command('logs')
    .argument('<run>', 'id of the run')
    .description('show the log lines of a run, from the worker of this machine')
    .option('-n, --lines <count>', 'number of lines, from the end', '100')
    .option('--json', 'for machines')
    .addHelpText('after', '\nExamples:\n  gist logs knee-oa-20260131-142233-1f0c -n 20')
    .action(async (runId: string, { lines, json }: { lines: string; json?: boolean }) => {
      const count = Number(lines);
      if (!(count > 0))
        throw new UsageError({
          what: `--lines ${lines} is not a positive number`,
          hint: 'Write --lines 100.',
        });
      const found = (await linesOfRun(runId)).slice(-count);
      if (found.length === 0) {
        throw new RunError({
          what: `the worker's log has no line of "${runId}"`,
          hint: '`gist status` lists the runs; older logs are in .gist/logs.',
        });
      }
      printResult(json, { runId, lines: found }, found.join('\n'));
    });
}

async function linesOfRun(runId: string): Promise<string[]> {
  const log = logOf(openStackFolder(), 'worker');
  if (!existsSync(log)) return [];
  const found: string[] = [];
  for await (const line of createInterface({ input: createReadStream(log) }))
    if (line.includes(runId)) found.push(line);
  return found;
}
