/** Reads the images of a finished data set in order. */
import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { makeScratchFolder } from '../../core/scratch.js';
import { DatasetError } from '../../core/errors.js';
import { downloadVerified, getJson, joinKey, type ObjectStore } from '../../storage/index.js';
import { openShard } from './dataset-archive.js';
import {
  type DatasetManifest,
  type DatasetSplit,
  datasetManifestSchema,
  LABEL_FILES,
  labelFileSchema,
} from './dataset-manifest.js';
import { mapInOrder } from '../in-flight.js';
import { decodePng } from '../pixels/png.js';

/** One image of a data set. */
export interface DatasetImage {
  /** Index within the split, from 0 without gaps. */
  index: number;
  /** File name within the shard. */
  name: string;
  /** Index into the classes; null when unlabeled. */
  label: number | null;
  /** [resolution, resolution, channels] uint8. */
  pixels: Uint8Array;
}

export interface ReadOptions {
  /** Maximum number of images. The first images of a split are a stratified random subset. */
  limit?: number;
  signal?: AbortSignal;
}

export interface Dataset {
  readonly manifest: DatasetManifest;
  /**
   * The images of a split in order. Shards are downloaded one at a time and verified, so memory and
   * disk use stay constant.
   */
  images(split: DatasetSplit, options?: ReadOptions): AsyncIterable<DatasetImage>;
}

const IN_FLIGHT = Math.max(2, availableParallelism());

/**
 * Opens the data set under a key prefix, `datasets/<digest>/`.
 *
 * @throws DatasetError when there is no finished data set.
 */
export async function openDataset(store: ObjectStore, prefix: string): Promise<Dataset> {
  const key = joinKey(prefix, 'manifest.json');
  if (!(await store.head(key))) {
    throw new DatasetError({
      what: 'there is no finished data set',
      where: `${store.uri}${prefix}`,
      hint: 'Build it first (the stage "preprocess", or `gist dataset build`); `gist dataset list` lists those of a store.',
    });
  }
  const manifest = await getJson(store, key, datasetManifestSchema);
  const opened = { store, prefix, manifest };
  return { manifest, images: (split, options = {}) => readImages(opened, split, options) };
}

async function* readImages(
  { store, prefix, manifest }: { store: ObjectStore; prefix: string; manifest: DatasetManifest },
  split: DatasetSplit,
  { limit = Number.POSITIVE_INFINITY, signal }: ReadOptions,
): AsyncGenerator<DatasetImage> {
  const labels = await readLabels(store, prefix, manifest, split);
  const shape = { width: manifest.resolution, height: manifest.resolution, channels: manifest.channels };
  const folder = await makeScratchFolder('dataset');
  let index = 0;
  try {
    for (const part of manifest.shards.filter((shard) => shard.split === split)) {
      if (index >= limit) return;
      const file = path.join(folder, part.key);
      await downloadVerified(store, joinKey(prefix, part.key), file, { ...part, signal });
      const shard = await openShard(file);
      const decode = async (name: string) => ({
        name,
        pixels: await decodePng(await shard.read(name), shape, name),
      });
      for await (const { name, pixels } of mapInOrder(
        shard.names.slice(0, limit - index),
        IN_FLIGHT,
        decode,
        signal,
      )) {
        yield { index: index++, name, label: labels === null ? null : labelOf(labels, name), pixels };
      }
      await rm(file);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Labels of a split by the names of its images; null when unlabeled. */
export async function readLabels(
  store: ObjectStore,
  prefix: string,
  manifest: DatasetManifest,
  split: DatasetSplit,
): Promise<Map<string, number> | null> {
  if (manifest.classes === null) return null;
  const { labels } = await getJson(store, joinKey(prefix, LABEL_FILES[split]), labelFileSchema);
  return new Map(labels ?? []);
}

function labelOf(labels: Map<string, number>, name: string): number {
  const label = labels.get(name);
  if (label !== undefined) return label;
  throw new DatasetError({
    what: 'has no label in the data set',
    where: name,
    hint: 'Build the data set again.',
  });
}
