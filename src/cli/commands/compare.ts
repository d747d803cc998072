/** `gist compare`, `gist cost` and `gist reproduce`: what the store says of finished runs. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import type { PipelineInput } from '../../spec/pipeline.js';
import type { Comparison, Reproduction, RunCost } from '../../runs/index.js';
import { RunError, UsageError } from '../../core/errors.js';
import { checkRunId } from '../../spec/run-id.js';
import { knownStore } from '../known-store.js';
import { printNotice, printResult, table } from '../terminal.js';
import { upForRuns } from '../up-for-runs.js';

export function registerCompare(program: Command): void {
  program
    .command('compare')
    .argument('<runs...>', 'ids of two or more runs')
    .description('show runs side by side: settings that differ, metrics with their intervals')
    .option('--html <file>', 'also write a page with curves and images of the same seeds')
    .option('--json', 'for machines')
    .addHelpText('after', '\nExamples:\n  gist compare knee-a knee-b --html compare.html')
    .action(compare);
  program
    .command('cost')
    .argument('<runs...>', 'ids of runs')
    .description('show what runs have cost: hours of training, and storage')
    .option('--json', 'for machines')
    .addHelpText('after', '\nExamples:\n  gist cost knee-oa-20260131-142233-1f0c')
    .action(cost);
  program
    .command('reproduce')
    .argument('<run>', 'id of a finished run')
    .description('run its recorded spec again, without reuse, and compare the weights byte for byte')
    .option('--watch', 'stay, show progress and compare')
    .option('--json', 'for machines')
    .addHelpText('after', REPRODUCE_HELP)
    .action(reproduce);
}

const REPRODUCE_HELP = `
The repeated run is called RUN-reproduced. Without --watch, the same command given again after its end
compares. On the same kind of machine the bytes are the same; otherwise it says what differs.

Examples:
  gist reproduce knee-oa-20260131-142233-1f0c --watch`;

async function compare(runIds: string[], { html, json }: { html?: string; json?: boolean }): Promise<void> {
  for (const runId of runIds) checkRunId(runId);
  if (new Set(runIds).size < 2)
    throw new UsageError({ what: 'compare needs two or more runs', hint: '`gist runs list` lists them.' });
  const { compareRuns, comparisonPage, readStoredRun } = await import('../../runs/index.js');
  const store = await knownStore();
  const runs = await Promise.all(runIds.map((runId) => readStoredRun(store, runId)));
  const comparison = await compareRuns(store, runs);
  if (html !== undefined) {
    await mkdir(path.dirname(path.resolve(html)), { recursive: true });
    await writeFile(html, await comparisonPage(store, runs, comparison));
  }
  printResult(json, comparison, comparisonText(comparison, html));
}

function comparisonText({ runIds, settings, metrics, caveats }: Comparison, html?: string): string {
  const rows = (part: Comparison['settings']) =>
    table([['', ...runIds], ...part.map(([name, ...cells]) => [name, ...cells.map((cell) => cell ?? '-')])]);
  const lines = [settings.length > 0 ? rows(settings) : 'The runs have the same spec.', ''];
  lines.push(metrics.length > 0 ? rows(metrics) : 'No run has metrics.', '');
  lines.push(...caveats.map((caveat) => `Note: ${caveat}`));
  if (html !== undefined) lines.push(`Page: ${html}`);
  return lines.join('\n');
}

async function cost(runIds: string[], { json }: { json?: boolean }): Promise<void> {
  for (const runId of runIds) checkRunId(runId);
  const { costOfRun, readStoredRun } = await import('../../runs/index.js');
  const store = await knownStore();
  const costs: RunCost[] = [];
  for (const runId of runIds) costs.push(await costOfRun(store, await readStoredRun(store, runId)));
  const rows = costs.map((one) => [
    one.runId,
    one.trainingHours === null
      ? '-'
      : `${one.trainingHours.toFixed(2)} h${one.reusedTraining ? ' (reused)' : ''}`,
    one.kimg === null ? '-' : String(one.kimg),
    `${(one.runBytes / 1e9).toFixed(3)} GB`,
    `${(one.datasetBytes / 1e9).toFixed(3)} GB`,
  ]);
  printResult(json, costs, table([['RUN', 'TRAINING', 'KIMG', 'RUN FOLDER', 'DATA SET'], ...rows]));
}

async function reproduce(runId: string, { watch, json }: { watch?: boolean; json?: boolean }): Promise<void> {
  checkRunId(runId);
  const { compareReproduction, readStoredRun } = await import('../../runs/index.js');
  await upForRuns();
  const store = await knownStore();
  const original = await readStoredRun(store, runId);
  if (!original.stages.train)
    throw new RunError({
      what: 'has no finished training to repeat',
      where: runId,
      hint: '`gist status` shows how it ended.',
    });
  const again = checkRunId(`${runId}-reproduced`);
  const { connect, progressOf, startRun } = await import('../../client/index.js');
  const client = await connect();
  const known = await progressOf(client, again).catch((error: unknown) => {
    if (error instanceof RunError) return null;
    throw error;
  });
  if (known?.status === 'running' && !watch)
    return printResult(json, { runId: again, state: known.state }, `Run ${again} has not ended yet.`);
  if (known?.status !== 'completed' && known?.status !== 'running')
    await startRun(client, { ...(original.spec as PipelineInput), cache: false }, again);
  if (known?.status !== 'completed') {
    const text = `Run ${again} has started. When it has ended, compare with: gist reproduce ${runId}`;
    if (!watch) return printResult(json, { runId: again, state: 'running' }, text);
    printNotice(text);
    const { watchUntilEnd } = await import('../watching.js');
    await watchUntilEnd(client, again, { settingsOf: async () => [], noteOf: async () => null });
  }
  const outcome = await compareReproduction(store, original, await readStoredRun(store, again));
  printResult(json, { runId: again, ...outcome }, reproductionText(runId, again, outcome));
}

function reproductionText(
  runId: string,
  again: string,
  { isSame, parts, differences }: Reproduction,
): string {
  if (isSame) return `${again} has the same weights as ${runId}, byte for byte.`;
  return [
    `${again} has other weights than ${runId} (${parts.length} parts of the checkpoint differ).`,
    ...differences.map((difference) => `  ${difference}`),
  ].join('\n');
}
