/** `gist quickstart`: the whole main job on made-up knees, nothing to configure. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Presets, SingleBar } from 'cli-progress';
import type { Command } from 'commander';
import type { Client } from '../../client/index.js';
import { embeddedParts, uiAddress } from '../../client/stack/parts.js';
import { openStackFolder, up } from '../../client/stack/stack.js';
import { environment } from '../../core/environment.js';
import { collect } from '../options.js';
import { tell } from '../terminal.js';

const SPEC = fileURLToPath(new URL('../../../../examples/quickstart.json', import.meta.url));
const IMAGES = 600;

export function registerQuickstart(program: Command): void {
  program
    .command('quickstart')
    .description('600 made-up knee X-rays through all four stages, on this machine: some ten minutes')
    .option('--set <key=value>', 'change a key of examples/quickstart.json; may be repeated', collect)
    .option('--json', 'the result for machines')
    .addHelpText(
      'after',
      '\nRun again after whatever interrupted it: it goes on where it was.\n\nExamples:\n  gist quickstart\n  gist quickstart --set train.kimg=60',
    )
    .action(quickstart);
}

async function quickstart({ set, json }: { set?: string[]; json?: boolean }): Promise<void> {
  const source = path.join(environment.stateFolder(), 'phantoms');
  const isEmbedded = embeddedParts().includes('temporal');
  await makePhantoms(source);
  await up(tell);
  const { connect } = await import('../../client/index.js');
  const client = await connect();
  const runId = (await runGoingOn(client)) ?? (await begin(client, source, set));
  const { follow } = await import('../follow.js');
  await follow(client, runId, json);
  tell('');
  if (isEmbedded)
    tell(`Temporal's UI: ${uiAddress(openStackFolder().read())}/namespaces/default/workflows/${runId}`);
  tell('Try next: gist run examples/quickstart.json --watch --set train.kimg=60');
  tell('Stop the servers with: gist down');
}

async function begin(client: Client, source: string, set?: string[]): Promise<string> {
  const { startRun } = await import('../../client/index.js');
  const { readSpec } = await import('../spec-file.js');
  const spec = readSpec(SPEC, { set: [`preprocess.source=${source}`, ...(set ?? [])] });
  const runId = await startRun(client, spec);
  tell(`Run ${runId} has begun. Ctrl-C leaves it going.`);
  return runId;
}

/** A quickstart that an earlier command began and did not see to its end. */
async function runGoingOn(client: Client): Promise<string | null> {
  const { listRuns } = await import('../../client/index.js');
  const going = (await listRuns(client)).find(
    ({ name, status }) => name === 'quickstart' && status === 'running',
  );
  if (going) tell(`Run ${going.runId} is going on; coming back to it.`);
  return going?.runId ?? null;
}

async function makePhantoms(folder: string): Promise<void> {
  const files = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : [];
  if (files.filter((file) => /\.(png|jpg)$/.test(file)).length === IMAGES) return;
  tell(`Drawing ${IMAGES} knee X-rays of nobody into ${folder}`);
  const bar = new SingleBar(
    { format: '{bar} {value}/{total} images', stream: process.stderr, noTTYOutput: false },
    Presets.shades_classic,
  );
  bar.start(IMAGES, 0);
  const { writePhantoms } = await import('../../../examples/phantoms/index.js');
  await writePhantoms({ folder, count: IMAGES, seed: 0, onProgress: ({ done }) => bar.update(done) });
  bar.stop();
}
