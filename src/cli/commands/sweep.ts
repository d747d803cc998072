/** `gist sweep`: many runs that differ in one thing, and what follows from them. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { requireStack, useStack } from '../../client/stack/stack.js';
import { environment } from '../../core/environment.js';
import { RunError, UsageError } from '../../core/errors.js';
import { DATASET_SIZE_SWEEP } from '../../spec/sweep.js';
import { checkRunId } from '../../spec/run-id.js';
import { collect } from '../options.js';
import { printNotice, printResult } from '../terminal.js';
import { upForRuns } from '../up-for-runs.js';

interface SweepOptions {
  set?: string[];
  id?: string;
  watch?: boolean;
  dryRun?: boolean;
  json?: boolean;
}

const HELP = `
Runs of a sweep wait until no other run wants a device. A failed run ends no other one: gist retry
SWEEP runs it again. gist status, watch, retry and cancel take the id of a sweep too.

Examples:
  gist sweep dataset-size examples/size-sweep.json --watch
  gist sweep dataset-size sizes.yaml --set sizes=[100,200,400,800] --set repeats=5
  gist sweep add-sizes knee-sizes-20260131-142233-1f0c --sizes 50,1600
  gist sweep report knee-sizes-20260131-142233-1f0c --out sizes/`;

export function registerSweep(program: Command): void {
  const sweep = program
    .command('sweep')
    .description('how much data is enough: train subsets of many sizes')
    .addHelpText('after', HELP);
  sweep
    .command('dataset-size')
    .argument('<spec>', 'JSON or YAML file: {name, run, sizes, repeats, modes, ...}')
    .description('train the same spec on nested subsets of several sizes')
    .option('--set <key=value>', 'change a key of the spec; may be repeated', collect)
    .option('--id <id>', 'the id of the sweep')
    .option('--watch', 'stay and show progress')
    .option('--dry-run', 'print the spec with all defaults and start nothing')
    .option('--json', 'for machines')
    .addHelpText('after', HELP)
    .action((file: string, options: SweepOptions) => start(file, DATASET_SIZE_SWEEP, options));
  sweep
    .command('add-sizes')
    .argument('<sweep>', 'id of a running sweep')
    .description('add sizes to a sweep while it runs')
    .requiredOption('--sizes <list>', 'numbers of images, separated by commas')
    .option('--json', 'for machines')
    .addHelpText('after', '\nExamples:\n  gist sweep add-sizes knee-sizes-1 --sizes 50,1600')
    .action(addSizes);
  sweep
    .command('report')
    .argument('<sweep>', 'id of a sweep, running or ended')
    .description('write the report over the runs that have finished until now, and download it')
    .option('--out <folder>', 'where report.html, sweep.json and sweep.csv go')
    .option('--json', 'for machines')
    .addHelpText('after', '\nExamples:\n  gist sweep report knee-sizes-1 --out sizes/')
    .action(report);
}

async function start(file: string, workflow: string, options: SweepOptions): Promise<void> {
  const { readSweep } = await import('../spec-file.js');
  const spec = readSweep(file, workflow, options.set);
  if (options.dryRun) return printResult(true, spec, '');
  if (options.id !== undefined) checkRunId(options.id);
  const { checkWeights } = await import('../extractor-weights.js');
  await checkWeights(spec.run);
  await upForRuns();
  const { connect, newRunId, startSweep } = await import('../../client/index.js');
  const client = await connect();
  const sweepId = options.id ?? newRunId(spec.name);
  await startSweep(client, workflow, spec, sweepId);
  const text = `Sweep ${sweepId} has started. Watch it with: gist watch ${sweepId}`;
  if (!options.watch) return printResult(options.json, { sweepId }, text);
  printNotice(text);
  const { followSweep } = await import('../sweep-view.js');
  await followSweep(client, sweepId, options.json);
}

async function addSizes(
  sweepId: string,
  { sizes: text, json }: { sizes: string; json?: boolean },
): Promise<void> {
  checkRunId(sweepId);
  const sizes = text.split(',').map(Number);
  if (sizes.some((size) => !Number.isInteger(size) || size < 2))
    throw new UsageError({
      what: `--sizes ${text} are not whole numbers from 2`,
      hint: 'Write --sizes 50,1600.',
    });
  requireStack();
  const { connect, sendOrder, sweepOf } = await import('../../client/index.js');
  const client = await connect();
  const sweep = await sweepOf(client, sweepId);
  if (sweep && sweep.status !== 'running')
    throw new RunError({
      what: 'the sweep has ended',
      where: sweepId,
      hint: `Add the sizes to its spec and start it again with --id ${sweepId}; what has finished is kept.`,
    });
  const reply = await sendOrder(client, sweepId, 'addSizes', { sizes });
  printResult(json, reply, reply.message);
}

async function report(sweepId: string, { out, json }: { out?: string; json?: boolean }): Promise<void> {
  checkRunId(sweepId);
  useStack();
  const { deploymentStore } = await import('../../client/deployment-store.js');
  const { findSweep, sweepPrefix, writeSweepReport } = await import('../../sweeps/index.js');
  const store = deploymentStore();
  const sweep = store && (await findSweep(store, sweepId));
  if (!sweep)
    throw new RunError({ what: `there is no sweep "${sweepId}"`, hint: '`gist status` lists all sweeps.' });
  const { answer } = await writeSweepReport(store, sweep, []);
  const folder = path.resolve(out ?? path.join(environment.stateFolder(), 'reports', sweepId));
  await mkdir(folder, { recursive: true });
  for (const name of ['report.html', 'sweep.json', 'sweep.csv'])
    await writeFile(path.join(folder, name), await store.get(`${sweepPrefix(sweepId)}${name}`));
  printResult(json, { sweepId, answer, folder }, `${answer}\nReport: ${path.join(folder, 'report.html')}`);
}
