/**
 * Plans a data set before any image is decoded: lists the source, then sets labels, split and
 * order.
 */
import type { OnProgress } from '../core/progress.js';
import type { PreprocessSpec } from '../spec/preprocess.js';
import type { DatasetRef } from '../spec/results.js';
import {
  contentKey,
  findJson,
  joinKey,
  type ObjectStore,
  putJson,
  sha256OfStream,
} from '../storage/index.js';
import {
  datasetManifestSchema,
  datasetPrefix,
  datasetRef,
  type DatasetSplit,
  SPLITS,
} from './dataset-manifest.js';
import type { ImageSource, SourceImage } from './image-source.js';
import { mapInOrder } from './in-flight.js';
import { labelImages } from './labels.js';
import {
  type DatasetPlan,
  planKey,
  planSchema,
  type PlannedImage,
  shardCount,
  writeShardPlan,
} from './plan-file.js';
import { openSource } from './source.js';
import { type Split, splitImages } from './split.js';

/** Increment when the same source and settings give different images. */
const PREPROCESS_VERSION = 1;

export interface PlanOptions {
  /**
   * Builds the data set again in a folder of its own, `datasets/<digest>-<generation>/`: one that a
   * manifest names is never changed. Default: the data set, plan and shards of an earlier run are
   * reused.
   */
  generation?: string;
  onProgress?: OnProgress;
  signal?: AbortSignal;
}

export interface PlannedDataset {
  /** Folder of the data set under `datasets/`: its digest, and the generation if there is one. */
  digest: string;
  /** Number of shards to build. Shards are numbered from 0: training shards first, then holdout. */
  shards: number;
  /** The finished data set when an earlier run built it, otherwise null. */
  dataset: DatasetRef | null;
}

/**
 * The settings that determine the images of the data set. The address of the source and
 * `maxRejected` do not.
 */
export function datasetSettings(spec: PreprocessSpec) {
  const { labels, resolution, square, color, holdout, limit, mirror, shardImages } = spec;
  return { labels, resolution, square, color, holdout, limit, mirror, shardImages };
}

/**
 * Writes the plan to `plan/` in the folder of the data set. The digest covers the list of images,
 * with the identity of each image's content, and the settings. The same images with the same
 * settings therefore give the same data set, whatever the address of the source.
 *
 * @throws DatasetError or ArchiveError when the source cannot be used.
 */
export async function planDataset(
  store: ObjectStore,
  spec: PreprocessSpec,
  options: PlanOptions = {},
  source: ImageSource = openSource(spec.source),
): Promise<PlannedDataset> {
  const images = await listImages(source, options);
  const names = images.map(({ name }) => name);
  const labels = labelImages(names, spec.labels, spec.source);
  const { fraction, seed } = spec.holdout;
  const split = splitImages(labels, { fraction, seed, limit: spec.limit }, spec.source);
  const inputs = [await listingDigest(images)];
  const digest = contentKey('preprocess', PREPROCESS_VERSION, inputs, datasetSettings(spec));
  const shards = { train: planShards(spec, split, 'train'), holdout: planShards(spec, split, 'holdout') };
  const plan: DatasetPlan = {
    version: 1,
    digest,
    classes: labels.classes,
    sourceImages: { train: split.train.length, holdout: split.holdout.length },
    shards: { train: shards.train.length, holdout: shards.holdout.length },
    ignored: source.contents.ignored,
  };
  const folder = options.generation === undefined ? digest : `${digest}-${options.generation}`;
  const planned = { digest: folder, shards: shardCount(plan) };
  const dataset = await findDataset(store, folder);
  if (dataset) return { ...planned, dataset };
  if (await findJson(store, planKey(folder), planSchema)) return { ...planned, dataset: null };
  const all = SPLITS.flatMap((name) => shards[name]);
  await writeShardPlans(store, { folder, images, labels: labels.labels, shards: all }, options);
  // Written last: the plan is valid once this file exists.
  await putJson(store, planKey(folder), plan);
  return { ...planned, dataset: null };
}

/** The source images of one shard. */
interface PlannedShard {
  /** Indices into the list of images. */
  indices: Uint32Array;
  /** Position of the first one within the split. */
  first: number;
  copies: 1 | 2;
}

function planShards(spec: PreprocessSpec, split: Split, name: DatasetSplit): PlannedShard[] {
  const copies = copiesPerImage(spec, name);
  const length = Math.max(1, Math.floor(spec.shardImages / copies));
  const indices = split[name];
  return Array.from({ length: Math.ceil(indices.length / length) }, (_, i) => {
    const first = i * length;
    return { indices: indices.subarray(first, first + length), first, copies };
  });
}

/** The finished data set in a folder, or null. */
async function findDataset(store: ObjectStore, folder: string): Promise<DatasetRef | null> {
  const prefix = datasetPrefix(folder);
  const manifest = await findJson(store, joinKey(prefix, 'manifest.json'), datasetManifestSchema);
  return manifest && datasetRef(manifest, prefix);
}

/** Number of shard plans that are written concurrently. */
const CONCURRENT_PLANS = 8;

/** Writes the lines of every shard. */
async function writeShardPlans(
  store: ObjectStore,
  plan: { folder: string; images: readonly SourceImage[]; labels: Int32Array; shards: PlannedShard[] },
  { onProgress, signal }: PlanOptions,
): Promise<void> {
  const { folder, images, labels, shards } = plan;
  const write = async ([shard, { indices, first, copies }]: [number, PlannedShard]) => {
    const lines = Array.from(indices, (index, i): PlannedImage => {
      const image = images[index] as SourceImage;
      return { ...image, label: labels[index] as number, index: (first + i) * copies };
    });
    await writeShardPlan(store, folder, shard, lines);
  };
  let done = 0;
  for await (const _ of mapInOrder(shards.entries(), CONCURRENT_PLANS, write, signal)) {
    onProgress?.({ done: ++done, total: shards.length, unit: 'shards planned' });
  }
}

/** Number of output images per source image. */
export function copiesPerImage(spec: PreprocessSpec, split: DatasetSplit): 1 | 2 {
  return spec.mirror && split === 'train' ? 2 : 1;
}

async function listImages(source: ImageSource, { onProgress, signal }: PlanOptions): Promise<SourceImage[]> {
  const images: SourceImage[] = [];
  for await (const image of source.list()) {
    signal?.throwIfAborted();
    images.push(image);
    onProgress?.({ done: images.length, unit: 'images listed' });
  }
  return images;
}

async function listingDigest(images: readonly SourceImage[]): Promise<string> {
  async function* lines() {
    for (const { name, bytes, identity } of images)
      yield Buffer.from(`${JSON.stringify([name, bytes, identity])}\n`);
  }
  return (await sha256OfStream(lines())).sha256;
}
