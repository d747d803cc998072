/** `gist dataset build` and `gist dataset inspect`: data sets without a workflow. */
import type { Command } from 'commander';
import { useStack } from '../../client/stack/stack.js';
import { printResult, table, printNotice } from '../terminal.js';

interface BuildOptions {
  out: string;
  resolution?: string;
  labels?: string;
  color?: string;
  json?: boolean;
}

export function registerDataset(program: Command): void {
  const dataset = program
    .command('dataset')
    .description('build and inspect data sets; no server is needed for local folders');
  dataset
    .command('build')
    .description('turn a folder or .zip of images into a data set')
    .argument('<source>', 'folder, .zip or s3:// address of images')
    .requiredOption(
      '--out <address>',
      'folder or s3:// address; the data set is written to a new folder in it',
    )
    .option('--resolution <pixels>', 'side of the square images')
    .option('--labels <how>', 'folders or none')
    .option('--color <how>', 'grayscale or rgb')
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nExamples:\n  gist dataset build knees/ --out data --resolution 64\n  gist dataset build knees.zip --out s3://bucket/data --labels none',
    )
    .action(build);
  dataset
    .command('inspect')
    .description('show what is in a data set: classes, splits, rejected images')
    .argument('<address>', 'folder or s3:// address that holds its manifest.json')
    .option('--json', 'for machines')
    .addHelpText('after', '\nExamples:\n  gist dataset inspect data/datasets/0f3a5c...')
    .action(inspect);
}

async function build(address: string, { out, json, resolution, ...rest }: BuildOptions): Promise<void> {
  useStack();
  const { assembleDataset, buildShard, openSource, planDataset } = await import('../../imaging/index.js');
  const { parseWith } = await import('../../spec/parse.js');
  const { preprocessSchema } = await import('../../spec/preprocess.js');
  const { openStore } = await import('../../storage/index.js');
  const { labels, color } = rest;
  const spec = parseWith(preprocessSchema, {
    source: address,
    labels,
    color,
    resolution: resolution === undefined ? undefined : Number(resolution),
  });
  const store = openStore(out);
  const { digest, shards, dataset: known } = await planDataset(store, spec);
  const source = openSource(address);
  for (let shard = 0; !known && shard < shards; shard++) {
    await buildShard(store, source, spec, { digest, shard });
    printNotice(`${shard + 1} of ${shards} shards`);
  }
  const dataset = known ?? (await assembleDataset(store, spec, digest));
  const { images, rejected, prefix } = dataset;
  const text = `${store.uri}${prefix}\n${images.train} training and ${images.holdout} holdout images, ${rejected} rejected`;
  printResult(json, { store: store.uri, dataset, reused: known !== null }, text);
}

async function inspect(address: string, { json }: { json?: boolean }): Promise<void> {
  useStack();
  const { openDataset } = await import('../../imaging/index.js');
  const { openStore } = await import('../../storage/index.js');
  const { manifest } = await openDataset(openStore(address), '');
  const { digest, resolution, channels, images, classes, classImages, rejected } = manifest;
  const rows = [
    ['digest', digest],
    ['images', `${images.train} training, ${images.holdout} holdout`],
    ['size', `${resolution} x ${resolution}, ${channels === 1 ? 'gray' : 'RGB'}`],
    ...(classes ?? []).map((name, i) => [
      `  ${name}`,
      `${classImages?.train[i] ?? 0} training, ${classImages?.holdout[i] ?? 0} holdout`,
    ]),
    ['rejected', String(rejected.length)],
    ...rejected.map(({ name, reason }) => [`  ${name}`, reason]),
  ];
  printResult(json, manifest, table(rows));
}
