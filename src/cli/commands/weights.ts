/** `gist weights`: inspects, imports and exports files of StyleGAN weights. */
import { rename, writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { useStack } from '../../client/stack/stack.js';
import { environment } from '../../core/environment.js';
import { UsageError } from '../../core/errors.js';
import type { ReadWeights } from '../../weights/index.js';
import { printResult, table, printNotice } from '../terminal.js';
import { fetchWeights, importClassifier, readWeightsBytes } from './classifier-weights.js';

interface ImportOptions {
  to?: string;
  name?: string;
  as?: string;
  json?: boolean;
}

const MAX_NAME = 100;

export function registerWeights(program: Command): void {
  const weights = program
    .command('weights')
    .description(
      'read and write StyleGAN weights: .pkl snapshots of StyleGAN2-ADA and StyleGAN3, .safetensors; bring weights of feature extractors',
    );
  weights
    .command('import')
    .description(
      'copy StyleGAN weights into the store, for transfer learning and generation; keep weights of a classifier network on this machine, for metrics',
    )
    .argument(
      '<file>',
      '.pkl of StyleGAN2-ADA (PyTorch) or StyleGAN3, .safetensors, or a state dict; or its http(s) address',
    )
    .option('--to <address>', 'folder or s3:// address; default: weights/ in the store of the stack')
    .option('--name <name>', 'name in the store; default: the name of the file')
    .option('--as <network>', 'read it as this classifier network; default: recognized by its parameters')
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nExamples:\n  gist weights import resnet101-63fe2227.pth\n  gist weights import stylegan2-ffhq-256x256.pkl --name ffhq\n  gist run spec.yaml --set train.resume=ffhq\n  gist weights import net.safetensors --to ./weights',
    )
    .action(importWeights);
  weights
    .command('fetch')
    .description('download the published weights of a feature extractor, and check their digest')
    .argument('<network>', 'inception (the network of FID), resnet50, resnet101, vgg16, vgg19, inception_v3')
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nGIST_WEIGHTS_URL names a mirror with the same files.\n\nExamples:\n  gist weights fetch inception\n  gist metrics --real knees/ --fake synthetic/ --extractor inception',
    )
    .action(fetchWeights);
  weights
    .command('export')
    .description('write the networks of a run or checkpoint under the official names')
    .argument('<from>', 'id of a run, key or address of a checkpoint, or name of imported weights')
    .argument('<file>', 'the .safetensors file to write')
    .option('--json', 'for machines')
    .addHelpText('after', '\nExamples:\n  gist weights export knee-oa-20260131-142233-1f0c knee.safetensors')
    .action(exportWeights);
  weights
    .command('inspect')
    .description('show the contents of a file of weights; nothing in it is executed')
    .argument('<file>', '.pkl, .safetensors or state dict')
    .option('--tensors', 'list every tensor with its shape')
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nExamples:\n  gist weights inspect network-snapshot-025000.pkl\n  gist weights inspect network-snapshot-025000.pkl --tensors',
    )
    .action(inspect);
}

async function importWeights(file: string, { to, name, as, json }: ImportOptions): Promise<void> {
  useStack();
  const given = await readWeightsBytes(file);
  if (await importClassifier(given, { as, json })) return;
  const { writeWeights, WEIGHTS_PREFIX } = await import('../../weights/index.js');
  const weightsName = checkedName(name ?? given.file.replace(/\.[^.]*$/, ''));
  const { readWeights } = await import('../../weights/index.js');
  const weights = readWeights(given.bytes, given.file);
  const { openStore } = await import('../../storage/index.js');
  const store = openStore(to ?? environment.storeUri());
  const prefix = `${to === undefined ? WEIGHTS_PREFIX : ''}${weightsName}/`;
  await writeWeights(store, prefix, weights);
  for (const note of weights.notes) printNotice(note);
  const resume = to === undefined ? weightsName : `${store.uri}${prefix}`;
  const summary = { ...summaryOf(weights), store: store.uri, prefix, resume };
  printResult(
    json,
    summary,
    `${describe(weights)}\n\nTrain from them:    train.resume: ${resume}\nMake images:        gist generate --checkpoint ${store.uri}${prefix}`,
  );
}

async function exportWeights(from: string, file: string, { json }: { json?: boolean }): Promise<void> {
  if (!file.endsWith('.safetensors'))
    throw new UsageError({
      what: `${file} does not end in .safetensors`,
      hint: 'Give the file that ending.',
    });
  useStack();
  const { encodeWeights, openWeights } = await import('../../weights/index.js');
  const { openStore } = await import('../../storage/index.js');
  const source = await openWeights(openStore(environment.storeUri()), from, printNotice);
  const bytes = encodeWeights(source);
  await writeFile(`${file}.part`, bytes);
  await rename(`${file}.part`, file);
  const networks = Object.keys(source.networks);
  printResult(
    json,
    { file, bytes: bytes.byteLength, networks, config: source.config, from: source.from },
    `${networks.join(', ')} of ${source.from} are in ${file} (${megabytes(bytes.byteLength)})`,
  );
}

async function inspect(
  file: string,
  { tensors, json }: { tensors?: boolean; json?: boolean },
): Promise<void> {
  useStack();
  const weights = await read(file);
  const summary = summaryOf(weights);
  if (!tensors) return printResult(json, summary, describe(weights));
  const shapes = Object.entries(weights.networks).flatMap(([network, { tensors }]) =>
    Object.entries(tensors).map(([name, { shape }]) => [`${network}.${name}`, `[${shape.join(', ')}]`]),
  );
  const details = { ...summary, tensors: Object.fromEntries(shapes) };
  printResult(json, details, `${describe(weights)}\n\n${table(shapes)}`);
}

async function read(file: string): Promise<ReadWeights> {
  const { readWeights } = await import('../../weights/index.js');
  const given = await readWeightsBytes(file);
  return readWeights(given.bytes, given.file);
}

/** Makes a name that is one part of a key. */
function checkedName(name: string): string {
  const plain = name.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[.-]+/, '');
  if (plain !== '' && plain.length <= MAX_NAME) return plain;
  throw new UsageError({
    what: `"${name.slice(0, MAX_NAME)}" cannot be a name of weights`,
    where: '--name',
    hint: 'Use letters, digits, dots and dashes.',
  });
}

function summaryOf({ format, sha256, config, networks, notes }: ReadWeights) {
  const counts = Object.entries(networks).map(([name, { tensors, className }]) => {
    const list = Object.values(tensors);
    const parameters = list.reduce((sum, { data }) => sum + data.length, 0);
    return [name, { className, tensors: list.length, parameters }] as const;
  });
  return { format, sha256, config, networks: Object.fromEntries(counts), notes };
}

function describe(weights: ReadWeights): string {
  const { format, sha256, config, networks, notes } = summaryOf(weights);
  const { cfg, resolution, channels, classes, zDim, wDim, mappingLayers, cbase, cmax } = config;
  return table([
    ['format', format],
    ['sha256', sha256],
    ['architecture', cfg],
    ['images', `${resolution} x ${resolution}, ${channels === 1 ? 'gray' : 'RGB'}`],
    ['classes', classes === 0 ? 'none' : String(classes)],
    ['sizes', `z ${zDim}, w ${wDim}, mapping layers ${mappingLayers}, cbase ${cbase}, cmax ${cmax}`],
    ...Object.entries(networks).map(([name, { tensors, parameters }]) => [
      name,
      `${tensors} tensors, ${parameters.toLocaleString('en')} parameters and buffers`,
    ]),
    ...notes.map((note) => ['note', note]),
  ]);
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MB`;
}
