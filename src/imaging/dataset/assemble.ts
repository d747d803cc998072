/**
 * Finishes a data set: counts images, checks shards, writes the label files and, last, the
 * manifest. The data set exists once the manifest is written.
 */
import { Readable } from 'node:stream';
import sharp from 'sharp';
import { DatasetError, StoreError } from '../../core/errors.js';
import type { PreprocessSpec } from '../../spec/preprocess.js';
import type { DatasetRef } from '../../spec/results.js';
import { getJson, joinKey, type ObjectStore, putJson } from '../../storage/index.js';
import type { WorkOptions } from './build-shard.js';
import {
  type DatasetManifest,
  type DatasetShard,
  type DatasetSplit,
  datasetPrefix,
  datasetRef,
  LABEL_FILES,
  REJECTED_LIST,
  type RejectedImage,
  SPLITS,
} from './dataset-manifest.js';
import { ExposureCounter } from './exposure.js';
import { joinSizes, type SourceSizes } from './source-sizes.js';
import { mapInOrder } from '../in-flight.js';
import { keepForLater } from './earlier-images.js';
import { removePacks } from './made-images.js';
import { breakSeal } from './name-seal.js';
import { datasetSettings } from './plan.js';
import {
  readPlan,
  reportKey,
  type ShardReport,
  shardCount,
  shardReportSchema,
  type StoredPlan,
} from './plan-file.js';
import { channelsOf } from '../pixels/process.js';

interface Totals {
  shards: DatasetShard[];
  rejected: RejectedImage[];
  /** Images with each harmless fault. */
  notes: Record<string, number>;
  /** Images of each class. */
  classImages: Record<DatasetSplit, number[]>;
  exposure: Record<DatasetSplit, ExposureCounter>;
  sizes: SourceSizes | null;
}

/**
 * Writes the label files and the manifest of a data set whose shards are all built. Idempotent.
 *
 * @param folder of the data set under `datasets/`, as the plan names it
 * @throws DatasetError when more images than `maxRejected` allows were rejected, or all images of a
 *   class were.
 */
export async function assembleDataset(
  store: ObjectStore,
  spec: PreprocessSpec,
  folder: string,
  options: WorkOptions = {},
): Promise<DatasetRef> {
  const plan = await readPlan(store, folder);
  const totals = await sumReports(store, plan, options);
  await requireEnoughImages(store, plan, totals, spec);

  const prefix = datasetPrefix(folder);
  for (const split of SPLITS) {
    const body = plan.classes ? labelLines(store, plan, split, options) : ['{"labels": null}\n'];
    await store.put(
      joinKey(prefix, LABEL_FILES[split]),
      Readable.from(encodeLines(body), { objectMode: false }),
      { contentType: 'application/json' },
    );
  }
  const sum = (split: DatasetSplit) => totals.classImages[split].reduce((a, b) => a + b, 0);
  const manifest: DatasetManifest = {
    version: 1,
    digest: plan.digest,
    resolution: spec.resolution,
    channels: channelsOf(spec.color),
    classes: plan.classes,
    images: { train: sum('train'), holdout: sum('holdout') },
    classImages: plan.classes && totals.classImages,
    shards: totals.shards,
    rejected: totals.rejected,
    notes: totals.notes,
    exposure: { train: totals.exposure.train.exposures, holdout: totals.exposure.holdout.exposures },
    sizes: totals.sizes,
    window: plan.window,
    ignored: plan.ignored,
    emptyClasses: emptyClasses(plan),
    skipped: plan.skipped,
    labels: plan.labels,
    duplicates: plan.duplicates,
    notices: plan.notices,
    settings: datasetSettings(spec),
    madeWith: { sharp: sharp.versions.sharp ?? 'unknown', vips: sharp.versions.vips },
  };
  await putJson(store, joinKey(prefix, 'manifest.json'), manifest);
  await keepForLater(store, spec, { folder, window: plan.window, shards: shardCount(plan) });
  await removePacks(store, folder);
  // Nothing is read from the source any more.
  await breakSeal(store, folder);
  return datasetRef(manifest, prefix);
}

/** Names of the classes without planned images, which keep their labels. */
function emptyClasses({ classes, classImages }: StoredPlan): string[] {
  return (classes ?? []).filter(
    (_, label) => classImages?.train[label] === 0 && classImages.holdout[label] === 0,
  );
}

/** Yields the shard reports in order. */
async function* readReports(
  store: ObjectStore,
  plan: StoredPlan,
  { signal }: WorkOptions,
): AsyncGenerator<ShardReport> {
  const numbers = Array.from({ length: shardCount(plan) }, (_, shard) => shard);
  yield* mapInOrder(
    numbers,
    8,
    (shard) => getJson(store, reportKey(plan.folder, shard), shardReportSchema),
    signal,
  );
}

async function sumReports(store: ObjectStore, plan: StoredPlan, options: WorkOptions): Promise<Totals> {
  const zeros = () => new Array<number>(plan.classes?.length ?? 1).fill(0);
  const classImages = { train: zeros(), holdout: zeros() };
  const exposure = { train: new ExposureCounter(), holdout: new ExposureCounter() };
  const totals: Totals = { shards: [], rejected: [], notes: {}, classImages, exposure, sizes: null };
  let done = 0;
  for await (const report of readReports(store, plan, options)) {
    const { split, part, images, rejected, notes } = report;
    for (const own of report.exposure) exposure[split].add(own);
    totals.sizes = joinSizes(totals.sizes, report.sizes);
    const counts = totals.classImages[split];
    for (const [, label] of images) counts[label] = (counts[label] ?? 0) + 1;
    totals.rejected.push(...rejected);
    for (const [note, count] of Object.entries(notes)) totals.notes[note] = (totals.notes[note] ?? 0) + count;
    if (part) {
      await requireShard(store, plan, part);
      totals.shards.push({ ...part, split, images: images.length });
    }
    options.onProgress?.({ done: ++done, total: shardCount(plan), unit: 'shards' });
  }
  return totals;
}

async function requireShard(
  store: ObjectStore,
  plan: StoredPlan,
  part: { key: string; bytes: number },
): Promise<void> {
  const key = joinKey(datasetPrefix(plan.folder), part.key);
  if ((await store.head(key))?.bytes === part.bytes) return;
  throw new StoreError({
    what: 'is missing or differs from the shard that was built',
    where: key,
    hint: 'Start the run again.',
  });
}

async function requireEnoughImages(
  store: ObjectStore,
  plan: StoredPlan,
  { rejected, classImages }: Totals,
  spec: PreprocessSpec,
): Promise<void> {
  const planned = plan.sourceImages.train + plan.sourceImages.holdout;
  const emptyClass = SPLITS.map((split) => classWithoutImages(plan, split, classImages[split])).find(
    (message) => message,
  );
  const isOver = rejected.length > spec.maxRejected * planned;
  const what = isOver ? `${rejected.length} of ${planned} images cannot be used` : emptyClass;
  if (!what) return;
  // File names may contain patient names: the list has numbers of files, and the error its key.
  const list = joinKey(datasetPrefix(plan.folder), REJECTED_LIST);
  await putJson(store, list, { digest: plan.digest, settings: datasetSettings(spec), rejected });
  throw new DatasetError({
    what: `${what} (${countReasons(rejected)})`,
    where: spec.source,
    hint: `They are listed in ${list} of the store. \`gist dataset inspect ${store.uri}${datasetPrefix(plan.folder)} --source ${spec.source}\` names them. Replace or remove them${isOver ? `, or raise preprocess.maxRejected (--max-rejected, now ${spec.maxRejected})` : ''}.`,
  });
}

/** @returns a message that names a class whose images of a split were all rejected, or undefined */
function classWithoutImages(plan: StoredPlan, split: DatasetSplit, counts: number[]): string | undefined {
  const planned = plan.classImages?.[split] ?? counts.map(() => plan.sourceImages[split]);
  const label = counts.findIndex((count, i) => count === 0 && (planned[i] ?? 0) > 0);
  return label < 0 ? undefined : `no ${split} image of class "${plan.classes?.[label] ?? 'all'}" can be used`;
}

/** Counts the rejected images by reason: `2: is truncated; 1: is an empty file`. */
function countReasons(rejected: readonly RejectedImage[]): string {
  const counts = new Map<string, number>();
  for (const { reason } of rejected) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts].map(([reason, count]) => `${count}: ${reason}`).join('; ');
}

/**
 * Yields StyleGAN3's label file while the reports are read, so that memory holds the names of one
 * shard.
 */
async function* labelLines(
  store: ObjectStore,
  plan: StoredPlan,
  split: DatasetSplit,
  options: WorkOptions,
): AsyncGenerator<string> {
  let separator = '{"labels": [';
  for await (const report of readReports(store, plan, options)) {
    if (report.split !== split) continue;
    for (const image of report.images) {
      yield `${separator}\n${JSON.stringify(image)}`;
      separator = ',';
    }
  }
  yield separator === ',' ? '\n]}\n' : '{"labels": []}\n';
}

async function* encodeLines(lines: AsyncIterable<string> | Iterable<string>): AsyncGenerator<Uint8Array> {
  for await (const line of lines) yield Buffer.from(line);
}
