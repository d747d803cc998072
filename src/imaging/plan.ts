/** Planning a data set: listing the source, labels, split and order, before any image is decoded. */
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
  reportKey,
  shardCount,
  writePiece,
} from './plan-file.js';
import { openSource } from './source.js';
import { splitImages } from './split.js';

/** Raise it when the same source and settings give other images than before. */
const PREPROCESS_VERSION = 1;

export interface PlanOptions {
  /** false: shards built by an earlier run are built anew. Default true. */
  reuse?: boolean;
  onProgress?: OnProgress;
  signal?: AbortSignal;
}

export interface PlannedDataset {
  digest: string;
  /** Shards to build, numbered from 0: training images first, then those held out. */
  shards: number;
  /** The finished data set, when an earlier run made the same one. */
  dataset: DatasetRef | null;
}

/** The part of the spec that shapes the data set; where the source lies and how many failures are borne do not. */
export function shapingSettings(spec: PreprocessSpec) {
  const { labels, resolution, square, color, holdout, limit, mirror, shardImages } = spec;
  return { labels, resolution, square, color, holdout, limit, mirror, shardImages };
}

/**
 * Writes the plan to `datasets/<digest>/plan/`. The digest is a key of the list of images, each with what identifies its content,
 * and of the settings, so the same images with the same settings are one data set wherever they lie.
 *
 * @throws DatasetError or ArchiveError when the source cannot be used.
 */
export async function planDataset(
  store: ObjectStore,
  spec: PreprocessSpec,
  options: PlanOptions = {},
  source: ImageSource = openSource(spec.source),
): Promise<PlannedDataset> {
  const { onProgress, signal, reuse = true } = options;
  const images = await listImages(source, onProgress, signal);
  const names = images.map(({ name }) => name);
  const labels = labelImages(names, spec.labels, spec.source);
  const { fraction, seed } = spec.holdout;
  const split = splitImages(labels, { fraction, seed, limit: spec.limit }, spec.source);
  const digest = contentKey(
    'preprocess',
    PREPROCESS_VERSION,
    [await listingDigest(images)],
    shapingSettings(spec),
  );

  const shards = {
    train: [...chunks(split.train, sourceImagesAShard(spec, 'train'))],
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
  const planned = { digest, shards: shardCount(plan) };
  const manifest = reuse
    ? await findJson(store, joinKey(datasetPrefix(digest), 'manifest.json'), datasetManifestSchema)
    : null;
  if (manifest) return { ...planned, dataset: datasetRef(manifest) };
  if (reuse && (await findJson(store, planKey(digest), planSchema))) return { ...planned, dataset: null };

  const pieces = SPLITS.flatMap((name) =>
    shards[name].map((indices, i) => ({
      indices,
      first: i * sourceImagesAShard(spec, name),
      copies: copiesIn(spec, name),
    })),
  );
  const write = async (piece: (typeof pieces)[number], shard: number) => {
    const lines = Array.from(piece.indices, (index, i): PlannedImage => {
      const image = images[index] as SourceImage;
      return { ...image, label: labels.labels[index] as number, index: (piece.first + i) * piece.copies };
    });
    await writePiece(store, digest, shard, lines);
    if (!reuse) await store.delete(reportKey(digest, shard));
  };
  let done = 0;
  for await (const _ of mapInOrder(pieces.entries(), 8, ([shard, piece]) => write(piece, shard), signal)) {
    onProgress?.({ done: ++done, total: pieces.length, unit: 'shards planned' });
  }
  // Written last: the pieces count once it is there.
  await putJson(store, planKey(digest), plan);
  return { ...planned, dataset: null };
}

/** Images made of each image of the source. */
export function copiesIn(spec: PreprocessSpec, split: 'train' | 'holdout'): 1 | 2 {
  return spec.mirror && split === 'train' ? 2 : 1;
}

function sourceImagesAShard(spec: PreprocessSpec, split: 'train' | 'holdout'): number {
  return Math.max(1, Math.floor(spec.shardImages / copiesIn(spec, split)));
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
