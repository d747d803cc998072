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
import { datasetManifestSchema, datasetPrefix, datasetRef, SPLITS } from './dataset-manifest.js';
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
import { splitImages } from './split.js';

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
  const { onProgress, signal, generation } = options;
  const images = await listImages(source, onProgress, signal);
  const names = images.map(({ name }) => name);
  const labels = labelImages(names, spec.labels, spec.source);
  const { fraction, seed } = spec.holdout;
  const split = splitImages(labels, { fraction, seed, limit: spec.limit }, spec.source);
  const digest = contentKey(
    'preprocess',
    PREPROCESS_VERSION,
    [await listingDigest(images)],
    datasetSettings(spec),
  );

  const shards = {
    train: [...chunks(split.train, sourceImagesPerShard(spec, 'train'))],
    holdout: [...chunks(split.holdout, spec.shardImages)],
  };
  const plan: DatasetPlan = {
    version: 1,
    digest,
    classes: labels.classes,
    sourceImages: { train: split.train.length, holdout: split.holdout.length },
    shards: { train: shards.train.length, holdout: shards.holdout.length },
    ignored: source.ignored,
  };
  const folder = generation === undefined ? digest : `${digest}-${generation}`;
  const planned = { digest: folder, shards: shardCount(plan) };
  const prefix = datasetPrefix(folder);
  const manifest = await findJson(store, joinKey(prefix, 'manifest.json'), datasetManifestSchema);
  if (manifest) return { ...planned, dataset: datasetRef(manifest, prefix) };
  if (await findJson(store, planKey(folder), planSchema)) return { ...planned, dataset: null };

  const shardPlans = SPLITS.flatMap((name) =>
    shards[name].map((indices, i) => ({
      indices,
      first: i * sourceImagesPerShard(spec, name),
      copies: copiesPerImage(spec, name),
    })),
  );
  const write = async (shardPlan: (typeof shardPlans)[number], shard: number) => {
    const lines = Array.from(shardPlan.indices, (index, i): PlannedImage => {
      const image = images[index] as SourceImage;
      return {
        ...image,
        label: labels.labels[index] as number,
        index: (shardPlan.first + i) * shardPlan.copies,
      };
    });
    await writeShardPlan(store, folder, shard, lines);
  };
  let done = 0;
  for await (const _ of mapInOrder(
    shardPlans.entries(),
    8,
    ([shard, shardPlan]) => write(shardPlan, shard),
    signal,
  )) {
    onProgress?.({ done: ++done, total: shardPlans.length, unit: 'shards planned' });
  }
  // Written last: the plan is valid once this file exists.
  await putJson(store, planKey(folder), plan);
  return { ...planned, dataset: null };
}

/** Number of output images per source image. */
export function copiesPerImage(spec: PreprocessSpec, split: 'train' | 'holdout'): 1 | 2 {
  return spec.mirror && split === 'train' ? 2 : 1;
}

function sourceImagesPerShard(spec: PreprocessSpec, split: 'train' | 'holdout'): number {
  return Math.max(1, Math.floor(spec.shardImages / copiesPerImage(spec, split)));
}

async function listImages(
  source: ImageSource,
  onProgress: OnProgress | undefined,
  signal: AbortSignal | undefined,
): Promise<SourceImage[]> {
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

function* chunks(indices: Uint32Array, length: number): Generator<Uint32Array> {
  for (let at = 0; at < indices.length; at += length) yield indices.subarray(at, at + length);
}
