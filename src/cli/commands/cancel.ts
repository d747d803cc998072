/** `gist cancel`: ends a run for good. */
import type { Command } from 'commander';
import { up } from '../../client/stack/stack.js';
import { printResult, tell } from '../terminal.js';

export function registerCancel(program: Command): void {
  program
    .command('cancel')
    .argument('<run>', 'id of the run')
    .description('end a run for good; a training leaves a checkpoint first, what is made is kept')
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nCancelling twice changes nothing. To end only the training and go on to the next stage: gist stop.\n\nExamples:\n  gist cancel knee-oa-20260131-142233-1f0c\n  gist cancel knee-oa-20260131-142233-1f0c --json',
    )
    .action(cancel);
}

async function cancel(runId: string, { json }: { json?: boolean }): Promise<void> {
  await up(tell);
  const { cancelRun, connect } = await import('../../client/index.js');
  const cancellation = await cancelRun(await connect(), runId);
  printResult(json, cancellation, cancellation.message);
}
