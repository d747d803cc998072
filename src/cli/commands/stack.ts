/** `gist up` and `gist down`: the embedded stack. */
import type { Command } from 'commander';
import { down, openStackFolder, type PartStatus, status } from '../../client/stack/stack.js';
import { GIVEN_ENVIRONMENT } from '../../client/stack/parts.js';
import { supervise } from '../../client/stack/supervise.js';
import { printResult, table, printNotice } from '../terminal.js';
import { upForRuns } from '../up-for-runs.js';

interface UpOptions {
  json?: boolean;
  recreateBucket?: boolean;
  gpus?: string;
}

export function registerStack(program: Command): void {
  program
    .command('up')
    .description('start Temporal, S3 and a worker on this machine, unless they run already')
    .option(
      '--gpus <cards>',
      'a worker for each card, when the stack is not up yet: all, or numbers such as 0,1',
    )
    .option('--recreate-bucket', 'make the bucket of the embedded store again after it was deleted')
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nWith TEMPORAL_ADDRESS and AWS_ENDPOINT_URL set, your own servers are used and nothing is started.\nThe embedded stack is for one user: Temporal answers everybody on this machine.\n\nExamples:\n  gist up\n  gist up --gpus all\n  GIST_HOME=/data/gist gist up',
    )
    .action(async ({ json, recreateBucket, gpus }: UpOptions) => {
      if (gpus !== undefined) GIVEN_ENVIRONMENT.GIST_GPUS = gpus;
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
