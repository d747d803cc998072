/** Finishing a data set: counting, checking, label files, and last the manifest that makes it exist. */
import { Readable } from 'node:stream';
import sharp from 'sharp';
import { DatasetError, StoreError } from '../core/errors.js';
import type { PreprocessSpec } from '../spec/preprocess.js';
import type { DatasetRef } from '../spec/results.js';
import { getJson, joinKey, type ObjectStore, putJson } from '../storage/index.js';
import type { WorkOptions } from './build-shard.js';
import {
  type DatasetManifest,
  type DatasetShard,
  type DatasetSplit,
  datasetPrefix,
  datasetRef,
  LABEL_FILES,
  type RejectedImage,
  SPLITS,
} from './dataset-manifest.js';
import { mapInOrder } from './in-flight.js';
import { shapingSettings } from './plan.js';
import {
  type DatasetPlan,
  readPlan,
  reportKey,
  type ShardReport,
  shardCount,
  shardReportSchema,
} from './plan-file.js';
import { channelsOf } from './process.js';

interface Totals {
  shards: DatasetShard[];
  rejected: RejectedImage[];
  /** Images of each class. */
  classImages: Record<DatasetSplit, number[]>;
}

/**
 * Writes label files and manifest of a data set all of whose shards are built. May be repeated.
 *
 * @throws DatasetError when more images than `maxRejected` allows could not be read, or none of a class could.
 */
export async function assembleDataset(
  store: ObjectStore,
  spec: PreprocessSpec,
  digest: string,
  options: WorkOptions = {},
): Promise<DatasetRef> {
  const plan = await readPlan(store, digest);
  const totals = await sumReports(store, plan, options);
  await requireEnough(store, plan, totals, spec);

  const prefix = datasetPrefix(digest);
  for (const split of SPLITS) {
    const body = plan.classes ? labelLines(store, plan, split, options) : ['{"labels": null}\n'];
    await store.put(
      joinKey(prefix, LABEL_FILES[split]),
      Readable.from(bytesOf(body), { objectMode: false }),
      { contentType: 'application/json' },
    );
  }
  const sum = (split: DatasetSplit) => totals.classImages[split].reduce((a, b) => a + b, 0);
  const manifest: DatasetManifest = {
    version: 1,
    digest,
    resolution: spec.resolution,
    channels: channelsOf(spec.color),
    classes: plan.classes,
    images: { train: sum('train'), holdout: sum('holdout') },
    classImages: plan.classes && totals.classImages,
    shards: totals.shards,
    rejected: totals.rejected,
    ignored: plan.ignored,
    settings: shapingSettings(spec),
    madeWith: { sharp: sharp.versions.sharp ?? 'unknown', vips: sharp.versions.vips },
  };
  await putJson(store, joinKey(prefix, 'manifest.json'), manifest);
  return datasetRef(manifest);
}

/** The reports in order, checked against the shards that are there. */
async function* reports(
  store: ObjectStore,
  plan: DatasetPlan,
  { signal }: WorkOptions,
): AsyncGenerator<ShardReport> {
  const numbers = Array.from({ length: shardCount(plan) }, (_, shard) => shard);
  yield* mapInOrder(
    numbers,
    8,
    (shard) => getJson(store, reportKey(plan.digest, shard), shardReportSchema),
    signal,
  );
}

async function sumReports(store: ObjectStore, plan: DatasetPlan, options: WorkOptions): Promise<Totals> {
  const zeros = () => new Array<number>(plan.classes?.length ?? 1).fill(0);
  const totals: Totals = { shards: [], rejected: [], classImages: { train: zeros(), holdout: zeros() } };
  let done = 0;
  for await (const { split, part, images, rejected } of reports(store, plan, options)) {
    const counts = totals.classImages[split];
    for (const [, label] of images) counts[label] = (counts[label] ?? 0) + 1;
    totals.rejected.push(...rejected);
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
  plan: DatasetPlan,
  part: { key: string; bytes: number },
): Promise<void> {
  const key = joinKey(datasetPrefix(plan.digest), part.key);
  if ((await store.head(key))?.bytes === part.bytes) return;
  throw new StoreError({
    what: 'is missing or not the shard that was built',
    where: key,
    hint: 'Start the run again.',
  });
}

async function requireEnough(
  store: ObjectStore,
  plan: DatasetPlan,
  { rejected, classImages }: Totals,
  spec: PreprocessSpec,
): Promise<void> {
  const planned = plan.sourceImages.train + plan.sourceImages.holdout;
  const lost = SPLITS.map((split) => lostClass(plan, split, classImages[split])).find((words) => words);
  const what =
    rejected.length > spec.maxRejected * planned
      ? `${rejected.length} of ${planned} images cannot be used`
      : lost;
  if (!what) return;
  // Names of files may be those of patients: they stay in the store, and the error says where.
  const list = joinKey(datasetPrefix(plan.digest), 'rejected.json');
  await putJson(store, list, { rejected });
  throw new DatasetError({
    what: `${what} (${tally(rejected)})`,
    where: spec.source,
    hint: `Their names are in ${list} of the store. Replace or remove them${lost ? '' : `, or raise preprocess.maxRejected (now ${spec.maxRejected})`}.`,
  });
}

/** Says which class has lost all its images of a split; undefined when none has. */
function lostClass(plan: DatasetPlan, split: DatasetSplit, counts: number[]): string | undefined {
  const lost = plan.sourceImages[split] > 0 ? counts.indexOf(0) : -1;
  return lost < 0 ? undefined : `no ${split} image of class "${plan.classes?.[lost] ?? 'all'}" can be used`;
}

/** How many images were set aside for each reason: `2: is cut short; 1: is an empty file`. */
function tally(rejected: readonly RejectedImage[]): string {
  const counts = new Map<string, number>();
  for (const { reason } of rejected) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts].map(([reason, count]) => `${count}: ${reason}`).join('; ');
}

/** StyleGAN3's label file, written while the reports are read, so that memory holds one shard's names. */
async function* labelLines(
  store: ObjectStore,
  plan: DatasetPlan,
  split: DatasetSplit,
  options: WorkOptions,
): AsyncGenerator<string> {
  let separator = '{"labels": [';
  for await (const report of reports(store, plan, options)) {
    if (report.split !== split) continue;
    for (const image of report.images) {
      yield `${separator}\n${JSON.stringify(image)}`;
      separator = ',';
    }
  }
  yield separator === ',' ? '\n]}\n' : '{"labels": []}\n';
}

async function* bytesOf(lines: AsyncIterable<string> | Iterable<string>): AsyncGenerator<Uint8Array> {
  for await (const line of lines) yield Buffer.from(line);
}
