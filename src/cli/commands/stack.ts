/** `gist up` and `gist down`: the embedded stack. */
import type { Command } from 'commander';
import { down, openStackFolder, type PartStatus, status } from '../../client/stack/stack.js';
import { supervise } from '../../client/stack/supervise.js';
import { printResult, table, printNotice } from '../terminal.js';
import { upForRuns } from '../up-for-runs.js';

export function registerStack(program: Command): void {
  program
    .command('up')
    .description('start Temporal, S3 and a worker on this machine, unless they run already')
    .option('--recreate-bucket', 'make the bucket of the embedded store again after it was deleted')
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nWith TEMPORAL_ADDRESS and AWS_ENDPOINT_URL set, your own servers are used and nothing is started.\nThe embedded stack is for one user: Temporal answers everybody on this machine.\n\nExamples:\n  gist up\n  GIST_HOME=/data/gist gist up',
    )
    .action(async ({ json, recreateBucket }: { json?: boolean; recreateBucket?: boolean }) => {
      const parts = await upForRuns({ recreateBucket });
      printResult(json, parts, formatParts(parts));
    });
  program
    .command('down')
    .description('stop what `gist up` started; the next `gist up` continues the runs')
    .option('--json', 'for machines')
    .addHelpText('after', '\nA training writes a checkpoint first.\n\nExamples:\n  gist down')
    .action(async ({ json }: { json?: boolean }) => {
      await down(printNotice);
      const parts = await status();
      printResult(json, parts, 'The stack is down; its data is kept.');
    });
  program.command('supervise', { hidden: true }).action(() => supervise(openStackFolder()));
}

export function formatParts(parts: PartStatus[]): string {
  return table(
    parts.map(({ part, state, pid, address, log }) => [
      part,
      state,
      pid === null ? '' : `pid ${pid}`,
      address ?? '',
      log ?? '',
    ]),
  );
}
