/** `gist watch`: shows a run until it ends. */
import type { Command } from 'commander';
import { checkRunId } from '../../spec/run-id.js';
import { upForRuns } from '../up-for-runs.js';

export function registerWatch(program: Command): void {
  program
    .command('watch')
    .argument('<run>', 'id of the run')
    .description('show a run until it ends; Ctrl-C detaches, the run continues')
    .option('--json', 'the result for machines; progress goes to standard error')
    .addHelpText('after', '\nExamples:\n  gist watch knee-oa-20260131-142233-1f0c')
    .action(async (runId: string, { json }: { json?: boolean }) => {
      checkRunId(runId);
      await upForRuns();
      const { connect } = await import('../../client/index.js');
      const { follow } = await import('../follow.js');
      await follow(await connect(), runId, json);
    });
}
