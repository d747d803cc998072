/** `gist watch`: shows a run until it ends. */
import type { Command } from 'commander';
import { checkRunId } from '../../spec/run-id.js';
import { upForRuns } from '../up-for-runs.js';

export function registerWatch(program: Command): void {
  program
    .command('watch')
    .argument('<run>', 'id of the run or sweep')
    .description('show a run or sweep until it ends; Ctrl-C detaches, the run continues')
    .option('--json', 'the result for machines; progress goes to standard error')
    .addHelpText('after', '\nExamples:\n  gist watch knee-oa-20260131-142233-1f0c')
    .action(async (runId: string, { json }: { json?: boolean }) => {
      checkRunId(runId);
      await upForRuns();
      const { connect, sweepOf } = await import('../../client/index.js');
      const client = await connect();
      const { followSweep } = await import('../sweep-view.js');
      if (await sweepOf(client, runId)) return followSweep(client, runId, json);
      const { follow } = await import('../follow.js');
      await follow(client, runId, json);
    });
}
