/** `gist runs`: lists, exports and deletes runs of the store. */
import { createWriteStream } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import type { PruneCandidate } from '../../runs/index.js';
import { UsageError } from '../../core/errors.js';
import { checkRunId } from '../../spec/run-id.js';
import type { EvaluateResult } from '../../spec/results.js';
import { knownStore } from '../known-store.js';
import { printResult, table } from '../terminal.js';

const HELP = `
prune deletes nothing without --yes. It keeps runs that other runs or sweeps use (by "from", by
transfer, by reuse), unless these are deleted with it, and runs that are running. Data sets stay.

Examples:
  gist runs list --name knee
  gist runs export knee-oa-20260131-142233-1f0c --out knee/
  gist runs prune knee-oa-20260131-142233-1f0c
  gist runs prune --name trial --yes`;

export function registerRuns(program: Command): void {
  const runs = program.command('runs').description('list, export and delete runs of the store');
  runs.addHelpText('after', HELP);
  runs
    .command('list')
    .description('list the runs of the store with their stages and their first metric')
    .option('--name <name>', 'only runs of this name')
    .option('--json', 'for machines')
    .addHelpText('after', '\nThe state of running ones: gist status.\n\nExamples:\n  gist runs list --json')
    .action(listStored);
  runs
    .command('show')
    .argument('<run>', 'id of the run')
    .description('show the spec, the results and the lineage of a run')
    .option('--json', 'for machines')
    .addHelpText('after', '\nExamples:\n  gist runs show knee-oa-20260131-142233-1f0c')
    .action(show);
  runs
    .command('export')
    .argument('<run>', 'id of the run')
    .description('copy everything in the folder of a run to this machine')
    .requiredOption('--out <folder>', 'an empty or new folder')
    .option('--json', 'for machines')
    .addHelpText('after', '\nExamples:\n  gist runs export knee-oa-20260131-142233-1f0c --out knee/')
    .action(exportRun);
  runs
    .command('prune')
    .argument('[runs...]', 'ids of the runs')
    .description('delete runs that no other run uses; shows what it would delete')
    .option('--name <name>', 'all runs of this name')
    .option('--yes', 'delete them')
    .option('--json', 'for machines')
    .addHelpText('after', HELP)
    .action(prune);
}

interface ListedRun {
  runId: string;
  name: string;
  stages: string[];
  /** The first metric on unseen images; null without an evaluation. */
  metric: { name: string; value: number } | null;
}

async function storedRuns(name?: string): Promise<ListedRun[]> {
  const { readStoredRun, storedRunIds } = await import('../../runs/index.js');
  const store = await knownStore();
  const listed: ListedRun[] = [];
  for (const runId of await storedRunIds(store)) {
    const { spec, stages } = await readStoredRun(store, runId);
    if (name !== undefined && spec.name !== name) continue;
    const metrics = Object.entries((stages.evaluate as EvaluateResult | undefined)?.metrics ?? {});
    const [metric] = metrics.filter(([full]) => full.endsWith('.holdout'));
    listed.push({
      runId,
      name: String(spec.name ?? ''),
      stages: Object.keys(stages),
      metric: metric ? { name: metric[0], value: metric[1] } : null,
    });
  }
  return listed;
}

async function listStored({ name, json }: { name?: string; json?: boolean }): Promise<void> {
  const runs = await storedRuns(name);
  const rows = runs.map(({ runId, name, stages, metric }) => [
    runId,
    name,
    stages.at(-1) ?? '',
    metric ? `${metric.name} ${Number(metric.value.toPrecision(5))}` : '',
  ]);
  const text = rows.length > 0 ? table([['RUN', 'NAME', 'LAST STAGE', 'METRIC'], ...rows]) : 'No runs yet.';
  printResult(json, runs, text);
}

async function show(runId: string, { json }: { json?: boolean }): Promise<void> {
  checkRunId(runId);
  const { readStoredRun, usedRuns } = await import('../../runs/index.js');
  const { stringify } = await import('yaml');
  const run = await readStoredRun(await knownStore(), runId);
  const shown = { ...run, uses: usedRuns(run) };
  printResult(json, shown, stringify(shown).trimEnd());
}

async function exportRun(runId: string, { out, json }: { out: string; json?: boolean }): Promise<void> {
  checkRunId(runId);
  const { readStoredRun } = await import('../../runs/index.js');
  const store = await knownStore();
  await readStoredRun(store, runId);
  const prefix = `runs/${runId}/`;
  const folder = path.resolve(out);
  await requireEmpty(folder);
  let files = 0;
  for await (const { key } of store.list(prefix)) {
    const file = path.join(folder, key.slice(prefix.length));
    if (!file.startsWith(folder + path.sep)) continue;
    await mkdir(path.dirname(file), { recursive: true });
    await pipeline(await store.getStream(key), createWriteStream(file));
    files++;
  }
  printResult(json, { runId, folder, files }, `${files} files of ${runId} are in ${folder}.`);
}

/** Files of a user are never replaced. */
async function requireEmpty(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new UsageError({ what: `--out ${folder} is not a folder`, hint: 'Name a new one.', cause: error });
  });
  if (names.length > 0)
    throw new UsageError({ what: `--out ${folder} is not empty`, hint: 'Name a new folder, or empty it.' });
}

interface PruneOptions {
  name?: string;
  yes?: boolean;
  json?: boolean;
}

async function prune(runIds: string[], { name, yes, json }: PruneOptions): Promise<void> {
  if ((runIds.length === 0) === (name === undefined))
    throw new UsageError({
      what: 'prune needs ids of runs, or --name, and not both',
      hint: '`gist runs list` lists them.',
    });
  const chosen =
    name === undefined ? [...new Set(runIds)] : (await storedRuns(name)).map(({ runId }) => runId);
  for (const runId of chosen) checkRunId(runId);
  const { deleteRun, planPruning } = await import('../../runs/index.js');
  const store = await knownStore();
  const running = await runningAmong(chosen);
  const plan = (await planPruning(store, chosen)).map((one) =>
    running.has(one.runId) ? { ...one, usedBy: ['itself, as it is running'] } : one,
  );
  const going = plan.filter(({ usedBy }) => usedBy.length === 0);
  if (yes) for (const { runId } of going) await deleteRun(store, runId);
  printResult(json, { deleted: yes === true, runs: plan }, pruneText(plan, going, yes === true));
}

/** @throws when the server does not answer: a run that trains must not lose its checkpoints */
async function runningAmong(runIds: readonly string[]): Promise<Set<string>> {
  const { connect, listRuns } = await import('../../client/index.js');
  const running = await listRuns(await connect(), { state: 'running' });
  const ids = new Set(running.map(({ runId }) => runId));
  return new Set(runIds.filter((runId) => ids.has(runId)));
}

function pruneText(plan: PruneCandidate[], going: PruneCandidate[], deleted: boolean): string {
  const rows = plan.map(({ runId, bytes, usedBy }) => [
    runId,
    `${(bytes / 1e9).toFixed(3)} GB`,
    usedBy.length > 0 ? `kept: used by ${usedBy.join(', ')}` : deleted ? 'deleted' : 'would be deleted',
  ]);
  const total = going.reduce((sum, { bytes }) => sum + bytes, 0);
  const verb = deleted ? 'Freed' : 'Would free';
  const next = deleted || going.length === 0 ? '' : ' Delete them with --yes.';
  return `${table([['RUN', 'SIZE', ''], ...rows])}\n${verb} ${(total / 1e9).toFixed(3)} GB.${next}`;
}
