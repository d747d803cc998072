/** `gist up` and `gist down`: the embedded stack. */
import type { Command } from 'commander';
import { down, openStackFolder, type PartStatus, status, up } from '../../client/stack/stack.js';
import { supervise } from '../../client/stack/supervise.js';
import { printResult, table, tell } from '../terminal.js';

export function registerStack(program: Command): void {
  program
    .command('up')
    .description('start Temporal, S3 and a worker on this machine; what runs already is left alone')
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nWith TEMPORAL_ADDRESS and AWS_ENDPOINT_URL set, your own servers are used and nothing is started.\n\nExamples:\n  gist up\n  GIST_HOME=/data/gist gist up',
    )
    .action(async ({ json }: { json?: boolean }) => {
      const parts = await up(tell);
      printResult(json, parts, formatParts(parts));
    });
  program
    .command('down')
    .description('stop what `gist up` started; runs go on where they were at the next `gist up`')
    .option('--json', 'for machines')
    .addHelpText('after', '\nA training leaves a checkpoint first.\n\nExamples:\n  gist down')
    .action(async ({ json }: { json?: boolean }) => {
      await down(tell);
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
