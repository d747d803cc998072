/** `gist retry`: continues a run that has ended or needs attention, on its own checkpoints. */
import type { Command } from 'commander';
import { UsageError } from '../../core/errors.js';
import { checkRunId } from '../../spec/run-id.js';
import { collect } from '../options.js';
import { printResult } from '../terminal.js';
import { upForRuns } from '../up-for-runs.js';

interface RetryOptions {
  set?: string[];
  watch?: boolean;
  json?: boolean;
}

const HELP = `
The run keeps its id, its finished stages and its checkpoints; its spec is the recorded one.
A sweep runs again what has failed or is missing; its finished runs are kept.
Once there is a checkpoint, what it was trained with (networks, optimization, images) stays.

Examples:
  gist retry knee-oa-20260131-142233-1f0c
  gist retry knee-oa-20260131-142233-1f0c --set train.snapshotKimg=20 --watch
  gist retry knee-oa-20260131-142233-1f0c --set train.kimg=5000      (train a completed run longer)`;

export function registerRetry(program: Command): void {
  program
    .command('retry')
    .argument('<run>', 'id of the run or sweep')
    .description('continue a run that failed, was cancelled or needs attention, from its last checkpoint')
    .option('--set <key=value>', 'change a key of its spec; may be repeated', collect)
    .option('--watch', 'stay and show progress')
    .option('--json', 'for machines')
    .addHelpText('after', HELP)
    .action(retry);
}

async function retry(runId: string, { set, watch, json }: RetryOptions): Promise<void> {
  checkRunId(runId);
  await upForRuns();
  const { connect, retryRun, retrySweep, sweepOf } = await import('../../client/index.js');
  const { changeSpec } = await import('../spec-file.js');
  const client = await connect();
  const sweep = await sweepOf(client, runId);
  if (sweep) {
    refuseChanges(runId, set);
    const message = await retrySweep(client, sweep);
    if (!watch) return printResult(json, { sweepId: runId, message }, message);
    const { followSweep } = await import('../sweep-view.js');
    return followSweep(client, runId, json);
  }
  const changes = {
    apply: (recorded: unknown) => changeSpec(recorded, { set }),
    keys: (set ?? []).map((change) => change.split('=')[0] ?? ''),
  };
  const outcome = await retryRun(client, runId, changes);
  if (!watch) return printResult(json, outcome, outcome.message);
  const { follow } = await import('../follow.js');
  await follow(client, runId, json);
}

function refuseChanges(sweepId: string, set: string[] = []): void {
  if (set.length === 0) return;
  throw new UsageError({
    what: '--set changes the spec of a run, and this is a sweep',
    where: sweepId,
    hint: 'Add sizes with `gist sweep add-sizes`, or start a sweep of another id.',
  });
}
