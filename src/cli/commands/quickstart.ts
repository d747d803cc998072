/** `gist quickstart`: all four stages on phantom knee X-rays, without configuration. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Presets, SingleBar } from 'cli-progress';
import type { Command } from 'commander';
import type { Client } from '../../client/index.js';
import { embeddedParts, uiAddress } from '../../client/stack/parts.js';
import { openStackFolder } from '../../client/stack/stack.js';
import { environment } from '../../core/environment.js';
import { keepFilesPrivate } from '../../core/process-start.js';
import { conclusionText } from '../conclusion-text.js';
import { collect } from '../options.js';
import { printNotice } from '../terminal.js';
import { upForRuns } from '../up-for-runs.js';

const SPEC = fileURLToPath(new URL('../../../../examples/quickstart.json', import.meta.url));
const IMAGES = 600;

export function registerQuickstart(program: Command): void {
  program
    .command('quickstart')
    .description('run all four stages on 600 phantom knee X-rays, on this machine: about ten minutes')
    .option('--set <key=value>', 'change a key of examples/quickstart.json; may be repeated', collect)
    .option('--json', 'the result for machines')
    .addHelpText(
      'after',
      '\nAfter an interruption, run it again: it continues where it stopped.\n\nExamples:\n  gist quickstart\n  gist quickstart --set train.kimg=60',
    )
    .action(quickstart);
}

async function quickstart({ set, json }: { set?: string[]; json?: boolean }): Promise<void> {
  const source = path.join(environment.stateFolder(), 'phantoms');
  const isEmbedded = embeddedParts().includes('temporal');
  keepFilesPrivate();
  await makePhantoms(source);
  await upForRuns();
  const { connect } = await import('../../client/index.js');
  const client = await connect();
  const runId = (await findRunning(client)) ?? (await start(client, source, set));
  const { follow } = await import('../follow.js');
  const { stages } = await follow(client, runId, json);
  printNotice('');
  const conclusion = stages.evaluate?.conclusion;
  if (conclusion) printNotice(`${conclusionText(conclusion).join('\n')}\n`);
  if (isEmbedded)
    printNotice(
      `Temporal's UI: ${uiAddress(openStackFolder().read())}/namespaces/default/workflows/${runId}`,
    );
  printNotice(`Show the report: gist report ${runId} --open`);
  printNotice('Try next: gist run examples/quickstart.json --watch --set train.kimg=60');
  printNotice('Stop the servers with: gist down');
}

async function start(client: Client, source: string, set?: string[]): Promise<string> {
  const { startRun } = await import('../../client/index.js');
  const { readSpec } = await import('../spec-file.js');
  const spec = readSpec(SPEC, { set: [`preprocess.source=${source}`, ...(set ?? [])] });
  const runId = await startRun(client, spec);
  printNotice(`Run ${runId} has started. Ctrl-C detaches; the run continues.`);
  return runId;
}

/** The quickstart that an earlier command started and that still runs; null if there is none. */
async function findRunning(client: Client): Promise<string | null> {
  const { listRuns } = await import('../../client/index.js');
  const [running] = await listRuns(client, { name: 'quickstart', state: 'running', limit: 1 });
  if (running) printNotice(`Run ${running.runId} is still running; watching it again.`);
  return running?.runId ?? null;
}

async function makePhantoms(folder: string): Promise<void> {
  const files = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : [];
  if (files.filter((file) => /\.(png|jpg)$/.test(file)).length === IMAGES) return;
  printNotice(`Drawing ${IMAGES} phantom knee X-rays (of no real person) into ${folder}`);
  const bar = new SingleBar(
    { format: '{bar} {value}/{total} images', stream: process.stderr, noTTYOutput: false },
    Presets.shades_classic,
  );
  bar.start(IMAGES, 0);
  const { writePhantoms } = await import('../../../examples/phantoms/index.js');
  await writePhantoms({ folder, count: IMAGES, seed: 0, onProgress: ({ done }) => bar.update(done) });
  bar.stop();
}
