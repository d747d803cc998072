/** `gist run`: starts a run of a spec. */
import type { Command } from 'commander';
import { checkRunId } from '../../spec/run-id.js';
import { collect } from '../options.js';
import type { SpecChanges } from '../spec-file.js';
import { printResult, printNotice } from '../terminal.js';
import { upForRuns } from '../up-for-runs.js';
import { waitingLine } from '../waiting-line.js';

interface RunOptions extends SpecChanges {
  id?: string;
  watch?: boolean;
  dryRun?: boolean;
  json?: boolean;
}

const EXAMPLES = `
Examples:
  gist run examples/quickstart.json --watch
  gist run knee.yaml --set train.kimg=200 --set preprocess.resolution=128
  gist run knee.yaml --stages generate,evaluate --from knee-oa-20260131-142233-1f0c
  gist run knee.yaml --dry-run                 (the spec with all defaults; starts nothing)`;

export function registerRun(program: Command): void {
  program
    .command('run')
    .argument('<spec>', 'JSON or YAML file')
    .description('start a run; it does not depend on this command')
    .option('--set <key=value>', 'change a key of the spec; may be repeated', collect)
    .option('--stages <list>', 'only these stages, separated by commas')
    .option('--from <run>', 'results of skipped stages: the id of an earlier run, or JSON with addresses')
    .option('--no-cache', 'reuse no earlier results')
    .option('--id <id>', 'the id of the run')
    .option('--watch', 'stay and show progress')
    .option('--dry-run', 'print the spec with all defaults and start nothing')
    .option('--json', 'for machines')
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, options: RunOptions) => {
      const { readSpec } = await import('../spec-file.js');
      const spec = readSpec(file, options);
      if (options.dryRun) return printResult(true, spec, '');
      if (options.id !== undefined) checkRunId(options.id);
      const { checkRoom } = await import('../room.js');
      await checkRoom(spec);
      const { checkWeights } = await import('../extractor-weights.js');
      await checkWeights(spec);
      await upForRuns();
      const { connect, lookAfterStart, startRun } = await import('../../client/index.js');
      const client = await connect();
      const runId = await startRun(client, spec, options.id);
      if (options.watch) {
        printNotice(`Run ${runId} has started.`);
        const { follow } = await import('../follow.js');
        await follow(client, runId, options.json);
      } else {
        const waiting = await lookAfterStart(client, runId, spec.stages);
        const text = `Run ${runId} has started. Watch it with: gist watch ${runId}`;
        printResult(options.json, { runId, waiting }, waiting ? `${text}\n${waitingLine(waiting)}` : text);
      }
    });
}
