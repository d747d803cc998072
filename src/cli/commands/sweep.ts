/** `gist sweep`: many runs that differ in one thing, and what follows from them. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { requireStack, useStack } from '../../client/stack/stack.js';
import { environment } from '../../core/environment.js';
import { RunError, UsageError } from '../../core/errors.js';
import type { SweepDeletion } from '../../runs/index.js';
import { DATASET_SIZE_SWEEP, HYPERPARAMETER_SWEEP } from '../../spec/sweep.js';
import { checkRunId } from '../../spec/run-id.js';
import { collect } from '../options.js';
import { printNotice, printResult, table } from '../terminal.js';
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
  gist sweep hyperparameters examples/hyperparameter-sweep.json --watch
  gist sweep hyperparameters tuning.yaml --set search=random --set count=24 --dry-run
  gist sweep add-sizes knee-sizes-20260131-142233-1f0c --sizes 50,1600
  gist sweep add-settings knee-tuning-20260131-150210-77aa --setting train.gamma=4,train.batch=16
  gist sweep report knee-sizes-20260131-142233-1f0c --out sizes/
  gist sweep delete knee-sizes-20260131-142233-1f0c`;

const KINDS = [
  {
    command: 'dataset-size',
    document: '{name, run, sizes, repeats, modes, ...}',
    description: 'train the same spec on nested subsets of several sizes',
    workflow: DATASET_SIZE_SWEEP,
  },
  {
    command: 'hyperparameters',
    document: '{name, run, keys, search, repeats, halving, ...}',
    description: 'train the same spec with several values of its keys',
    workflow: HYPERPARAMETER_SWEEP,
  },
];

export function registerSweep(program: Command): void {
  const sweep = program
    .command('sweep')
    .description('many runs that differ in one thing: how much data is enough, which settings are better')
    .addHelpText('after', HELP);
  for (const { command, document, description, workflow } of KINDS)
    sweep
      .command(command)
      .argument('<spec>', `JSON or YAML file: ${document}`)
      .description(description)
      .option('--set <key=value>', 'change a key of the spec; may be repeated', collect)
      .option('--id <id>', 'the id of the sweep')
      .option('--watch', 'stay and show progress')
      .option('--dry-run', 'print the spec with all defaults and start nothing')
      .option('--json', 'for machines')
      .addHelpText('after', HELP)
      .action((file: string, options: SweepOptions) => start(file, workflow, options));
  sweep
    .command('add-sizes')
    .argument('<sweep>', 'id of a running sweep')
    .description('add sizes to a sweep while it runs')
    .requiredOption('--sizes <list>', 'numbers of images, separated by commas')
    .option('--json', 'for machines')
    .addHelpText('after', '\nExamples:\n  gist sweep add-sizes knee-sizes-1 --sizes 50,1600')
    .action(addSizes);
  sweep
    .command('add-settings')
    .argument('<sweep>', 'id of a running hyperparameter sweep')
    .description('add settings to a sweep while it runs')
    .requiredOption('--setting <list>', 'values of its keys, separated by commas; may be repeated', collect)
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nExamples:\n  gist sweep add-settings knee-tuning-1 --setting train.gamma=4,train.batch=16 --setting train.gamma=8',
    )
    .action(addSettings);
  sweep
    .command('delete')
    .argument('<sweep>', 'id of a sweep that has ended')
    .description('delete a sweep and its results; shows what it would delete')
    .option('--runs', 'also its runs, except those that other runs or sweeps use')
    .option('--yes', 'delete them')
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nWithout --runs they stay, and `gist runs prune` deletes them.\n\nExamples:\n  gist sweep delete knee-sizes-1\n  gist sweep delete knee-sizes-1 --runs --yes',
    )
    .action(deleteSweep);
  sweep
    .command('report')
    .argument('<sweep>', 'id of a sweep, running or ended')
    .description('write the report over the runs that have finished until now, and download it')
    .option('--out <folder>', 'where report.html, sweep.json, sweep.csv and figures go')
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
  await add(sweepId, 'addSizes', { sizes }, json);
}

async function addSettings(
  sweepId: string,
  { setting, json }: { setting: string[]; json?: boolean },
): Promise<void> {
  checkRunId(sweepId);
  const { readSetting } = await import('../spec-file.js');
  await add(sweepId, 'addSettings', { settings: setting.map(readSetting) }, json);
}

async function add(
  sweepId: string,
  update: 'addSizes' | 'addSettings',
  input: object,
  json?: boolean,
): Promise<void> {
  requireStack();
  const { connect, sendOrder, sweepOf } = await import('../../client/index.js');
  const client = await connect();
  const sweep = await sweepOf(client, sweepId);
  const workflow = update === 'addSizes' ? DATASET_SIZE_SWEEP : HYPERPARAMETER_SWEEP;
  if (sweep && sweep.workflow !== workflow)
    throw new RunError({
      what: `the sweep is a ${sweep.workflow}, and takes other additions`,
      where: sweepId,
      hint: 'Sizes go with `gist sweep add-sizes`, settings with `gist sweep add-settings`.',
    });
  if (sweep && sweep.status !== 'running')
    throw new RunError({
      what: 'the sweep has ended',
      where: sweepId,
      hint: `Add them to its spec and start it again with --id ${sweepId}; what has finished is kept.`,
    });
  const reply = await sendOrder(client, sweepId, update, input);
  printResult(json, reply, reply.message);
}

interface DeleteOptions {
  runs?: boolean;
  yes?: boolean;
  json?: boolean;
}

async function deleteSweep(sweepId: string, { runs, yes, json }: DeleteOptions): Promise<void> {
  checkRunId(sweepId);
  useStack();
  const { knownStore } = await import('../known-store.js');
  const { connect, sweepOf } = await import('../../client/index.js');
  const store = await knownStore();
  // A server that does not answer tells of no running sweep: then nothing is deleted.
  const sweep = await sweepOf(await connect(), sweepId);
  if (sweep?.status === 'running')
    throw new RunError({
      what: 'the sweep is running',
      where: sweepId,
      hint: `End it first: gist cancel ${sweepId}.`,
    });
  const { carryOutDeletion, planDeletion } = await import('../../runs/index.js');
  const plan = await planDeletion(store, sweepId, runs === true);
  if (yes) await carryOutDeletion(store, plan);
  printResult(json, { deleted: yes === true, ...plan }, deletionText(plan, yes === true));
}

function deletionText({ sweepId, bytes, runs }: SweepDeletion, deleted: boolean): string {
  const verb = deleted ? 'deleted' : 'would be deleted';
  const rows = [
    [`sweep ${sweepId}`, size(bytes), verb],
    ...runs.map(({ runId, bytes: own, usedBy }) => [
      runId,
      size(own),
      usedBy.length > 0 ? `kept: used by ${usedBy.join(', ')}` : verb,
    ]),
  ];
  return `${table(rows)}${deleted ? '' : '\nDelete them with --yes.'}`;
}

function size(bytes: number): string {
  return `${(bytes / 1e9).toFixed(3)} GB`;
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
  const figures = `${sweepPrefix(sweepId)}figures/`;
  await mkdir(path.join(folder, 'figures'), { recursive: true });
  for await (const { key } of store.list(figures))
    await writeFile(path.join(folder, 'figures', path.basename(key)), await store.get(key));
  printResult(json, { sweepId, answer, folder }, `${answer}\nReport: ${path.join(folder, 'report.html')}`);
}
