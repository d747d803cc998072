/**
 * `gist generate`: writes images of a checkpoint into a folder; local checkpoints need no server.
 */
import { existsSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Presets, SingleBar } from 'cli-progress';
import type { Command } from 'commander';
import { deploymentStore } from '../../client/deployment-store.js';
import { useStack } from '../../client/stack/stack.js';
import { environment } from '../../core/environment.js';
import { CheckpointError, UsageError } from '../../core/errors.js';
import type { CheckpointRef } from '../../spec/results.js';
import { runIdSchema } from '../../spec/run-id.js';
import type { ObjectStore } from '../../storage/index.js';
import { classIndex } from '../class-index.js';
import { cardOf, writeCard } from '../generated-card.js';
import { collect } from '../options.js';
import { parseSeeds } from '../seeds.js';
import { printResult } from '../terminal.js';

interface GenerateOptions {
  checkpoint: string;
  seeds: string;
  class?: string;
  psi: string;
  out: string;
  format: string;
  card?: string[];
  json?: boolean;
}

const CHUNK = 64;
const EXAMPLES = `
Examples:
  gist generate --checkpoint knee-oa-20260131-142233-1f0c --seeds 0-99 --out synthetic
  gist generate --checkpoint runs/<run>/train/<checkpoint>/ --seeds 0-99 --out synthetic
  gist generate --checkpoint <run> --card license=CC-BY-4.0 --card 'modality=knee radiographs'
  gist generate --checkpoint ./checkpoint --seeds 3,7 --class grade-2 --psi 0.7 --out few
  gist generate --checkpoint s3://gist/weights/ffhq/ --seeds 85,265,297`;

export function registerGenerate(program: Command): void {
  program
    .command('generate')
    .description('generate images from a checkpoint, one file per seed')
    .requiredOption('--checkpoint <address>', 'id of a run, folder, s3:// address, or key in the store')
    .option('--seeds <list>', 'seeds of the images', '0-15')
    .option('--class <class>', 'only this class: its name, or its number from 0 on')
    .option('--psi <number>', 'truncation: 1 gives full variety, lower values more typical images', '1')
    .option('--out <folder>', 'folder for the images', 'synthetic')
    .option('--format <format>', 'png, or dicom: secondary capture, marked as computer-generated', 'png')
    .option(
      '--card <key=value>',
      'a fact for DATA-CARD.md: modality, intendedUse, license or contact; may be repeated',
      collect,
    )
    .option('--json', 'for machines')
    .addHelpText('after', EXAMPLES)
    .action(generate);
}

async function generate(options: GenerateOptions): Promise<void> {
  const seeds = parseSeeds(options.seeds);
  const psi = Number(options.psi);
  if (!(psi >= 0 && psi <= 2))
    throw new UsageError({ what: `--psi ${options.psi} is not between 0 and 2`, hint: 'Write --psi 0.7.' });
  const { format } = options;
  if (format !== 'png' && format !== 'dicom')
    throw new UsageError({ what: `--format ${format} is not a format`, hint: 'Write png or dicom.' });
  const card = cardOf(options.card);
  useStack();
  const { createSampler, encodeSynthetic, syntheticName } = await import('../../generation/index.js');
  const [store, prefix] = await locate(options.checkpoint);
  const sampler = await createSampler(store, prefix);
  const set = await imageSetOf(store, prefix, psi);
  const names = sampler.classes?.map(({ name }) => name) ?? null;
  const only = options.class === undefined ? null : classIndex(options.class, names);
  await mkdir(options.out, { recursive: true });
  const bar = new SingleBar(
    { format: '{bar} {value}/{total} images', stream: process.stderr, noTTYOutput: false },
    Presets.shades_classic,
  );
  bar.start(seeds.length, 0);
  const files: { seed: number; class: string | null; file: string }[] = [];
  for (let from = 0; from < seeds.length; from += CHUNK) {
    const chunk = seeds.slice(from, from + CHUNK);
    const labels = chunk.map((seed) => (names ? (only ?? seed % names.length) : null));
    const images = await sampler.generate(chunk, labels, psi);
    for (const [i, seed] of chunk.entries()) {
      const file = path.join(options.out, syntheticName(format, seed));
      const identity = { set: `${set}/${labels[i]}`, seed };
      const bytes = await encodeSynthetic(format, sampler.raw(images[i] as Uint8Array), identity);
      await writeFile(`${file}.part`, bytes);
      await rename(`${file}.part`, file);
      files.push({ seed, class: names?.[labels[i] ?? 0] ?? null, file });
    }
    bar.update(from + chunk.length);
  }
  bar.stop();
  const classes = files.map(({ class: name }) => name);
  await writeCard(options, { store, prefix, card, sampler, classes });
  printResult(options.json, { images: files }, `${files.length} images are in ${options.out}`);
}

/** Identifies what images depend on beside seed and class: equal images, equal identifiers. */
async function imageSetOf(store: ObjectStore, prefix: string, psi: number): Promise<string> {
  const { weightsDigest } = await import('../../checkpoints/index.js');
  return `${await weightsDigest(store, prefix)}/${psi}`;
}

/**
 * Resolves an address: a folder or bucket, a key in the deployment's store, or the id of a run
 * there.
 */
async function locate(address: string): Promise<[ObjectStore, string]> {
  const { openStore } = await import('../../storage/index.js');
  if (address.startsWith('runs/'))
    return [openStore(environment.storeUri()), address.endsWith('/') ? address : `${address}/`];
  const store = deploymentStore();
  if (!store || existsSync(address) || !runIdSchema.safeParse(address).success)
    return [openStore(address), ''];
  return [store, (await checkpointOfRun(store, address)).prefix];
}

/** The best checkpoint of a finished training, or the newest of one that goes on. */
async function checkpointOfRun(store: ObjectStore, runId: string): Promise<CheckpointRef> {
  const { newestListed } = await import('../../checkpoints/index.js');
  const { findStageRecords } = await import('../../storage/runs.js');
  const { train } = await findStageRecords(store, runId);
  const checkpoint = train?.stage === 'train' ? train.checkpoint : await newestListed(store, runId);
  if (checkpoint) return checkpoint;
  throw new CheckpointError({
    what: 'is neither a folder nor a run that has a checkpoint',
    where: runId,
    hint: '`gist status` lists the runs.',
  });
}
