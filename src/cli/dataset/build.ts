/** `gist dataset build` and `import`: a data set without a workflow. */
import { useStack } from '../../client/stack/stack.js';
import type { PreprocessSpec } from '../../spec/preprocess.js';
import { printNotice, printResult, table } from '../terminal.js';
import { withBar } from './progress-bar.js';
import { type OptionValues, specOfOptions } from './spec-options.js';

export interface BuildOptions extends OptionValues {
  out: string;
  json?: boolean;
}

/** Builds a data set as the options say. */
export async function build(address: string, options: BuildOptions): Promise<void> {
  useStack();
  await buildSpec(specOfOptions(address, options), options);
}

/** Builds a data set whose images keep size and channels, as StyleGAN's tools write them. */
export async function importZip(address: string, options: BuildOptions): Promise<void> {
  useStack();
  const { openSource, ownOptions } = await import('../../imaging/index.js');
  const source = openSource(address);
  for (const { name } of await source.list()) {
    const { resolution, color } = await ownOptions(await source.read(name), name);
    const defaults = { labels: 'auto', holdout: { fraction: 0 }, resolution, color };
    return buildSpec(specOfOptions(address, options, defaults), options);
  }
}

async function buildSpec(spec: PreprocessSpec, { out, json }: BuildOptions): Promise<void> {
  const {
    assembleDataset,
    buildShard,
    datasetManifestSchema,
    findingRows,
    openSource,
    planDataset,
    readPlan,
    warningsOf,
  } = await import('../../imaging/index.js');
  const { getJson, joinKey, openStore } = await import('../../storage/index.js');
  const store = openStore(out);
  const {
    digest,
    shards,
    dataset: known,
  } = await withBar((onProgress) => planDataset(store, spec, { onProgress }));
  if (!known) {
    // Before anything is built.
    printNotice(table(findingRows(await readPlan(store, digest))));
    const source = openSource(spec.source);
    const total = (await readPlan(store, digest)).sourceImages;
    const images = total.train + total.holdout;
    await withBar(async (onProgress) => {
      let before = 0;
      for (let shard = 0; shard < shards; shard++) {
        let now = 0;
        const onImage = ({ done }: { done: number }) => {
          now = done;
          onProgress({ done: before + done, total: images, unit: 'images' });
        };
        await buildShard(store, source, spec, { digest, shard, onProgress: onImage });
        before += now;
      }
    });
  }
  const dataset = known ?? (await assembleDataset(store, spec, digest));
  const manifest = await getJson(store, joinKey(dataset.prefix, 'manifest.json'), datasetManifestSchema);
  const { images, rejected, prefix } = dataset;
  const text = [
    `${store.uri}${prefix}`,
    `${images.train} training and ${images.holdout} holdout images, ${rejected} rejected, ${manifest.ignored} ignored`,
    table([...findingRows(manifest), ...countReasons(manifest.rejected)]),
  ].join('\n');
  const { classImages, emptyClasses, ignored, skipped, labels, duplicates, window, notes, notices } =
    manifest;
  const found = {
    classImages,
    emptyClasses,
    ignored,
    skipped,
    labels,
    duplicates,
    window,
    notes,
    notices,
    warnings: warningsOf(manifest),
  };
  printResult(
    json,
    { store: store.uri, dataset, reused: known !== null, found, rejected: manifest.rejected },
    text,
  );
}

function countReasons(rejected: readonly { reason: string }[]): string[][] {
  const counts = new Map<string, number>();
  for (const { reason } of rejected) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts].map(([reason, count]) => ['rejected', `${count}: ${reason}`]);
}
