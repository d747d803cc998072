/** `gist cancel`: ends a run. */
import type { Command } from 'commander';
import { requireStack } from '../../client/stack/stack.js';
import { checkRunId } from '../../spec/run-id.js';
import { printResult } from '../terminal.js';

export function registerCancel(program: Command): void {
  program
    .command('cancel')
    .argument('<run>', 'id of the run')
    .description('end a run; a training writes a checkpoint first, and all results are kept')
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nCancelling twice changes nothing. A cancelled run continues with: gist retry. To end only the training and continue with the next stage: gist stop.\n\nExamples:\n  gist cancel knee-oa-20260131-142233-1f0c\n  gist cancel knee-oa-20260131-142233-1f0c --json',
    )
    .action(cancel);
}

async function cancel(runId: string, { json }: { json?: boolean }): Promise<void> {
  checkRunId(runId);
  requireStack();
  const { cancelRun, connect } = await import('../../client/index.js');
  const cancellation = await cancelRun(await connect(), runId);
  printResult(json, cancellation, cancellation.message);
}
