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
import { someOf } from './labels.js';
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
  requireEnough(plan, totals, spec);

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
    mend: 'Start the run again.',
  });
}

function requireEnough(plan: DatasetPlan, { rejected, classImages }: Totals, spec: PreprocessSpec): void {
  const planned = plan.sourceImages.train + plan.sourceImages.holdout;
  const reasons = someOf(rejected.map(({ name, reason }) => `${name} (${reason})`));
  if (rejected.length > spec.maxRejected * planned) {
    throw new DatasetError({
      what: `${rejected.length} of ${planned} images cannot be used: ${reasons}`,
      where: spec.source,
      mend: `Replace or remove them, or raise preprocess.maxRejected (now ${spec.maxRejected}).`,
    });
  }
  for (const split of SPLITS) {
    const lost = plan.sourceImages[split] > 0 ? classImages[split].indexOf(0) : -1;
    if (lost < 0) continue;
    throw new DatasetError({
      what: `no ${split} image of class "${plan.classes?.[lost] ?? 'all'}" can be used: ${reasons}`,
      where: spec.source,
      mend: 'Replace the images that cannot be read, or remove the folder of the class.',
    });
  }
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
