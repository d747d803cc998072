/** Opens the sets of images that are compared, and reads them shard by shard. */
import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { makeScratchFolder } from '../core/scratch.js';
import { z } from 'zod';
import { StoreError } from '../core/errors.js';
import { shardListSchema } from '../generation/index.js';
import { mapInOrder } from '../imaging/in-flight.js';
import { decodeStored, LABEL_FILES, labelFileSchema, openShard } from '../imaging/index.js';
import type { FeatureSet, SetName } from '../spec/compute-tasks.js';
import {
  downloadVerified,
  getJson,
  joinKey,
  type ObjectStore,
  type ManifestPart,
  partSchema,
} from '../storage/index.js';

export const SET_NAMES: readonly SetName[] = ['train', 'holdout', 'synthetic'];

/** A set of images and its shards. */
export interface ImageSet {
  set: SetName;
  prefix: string;
  /** Digest of the data set or synthetic set. */
  digest: string;
  resolution: number;
  channels: 1 | 3;
  /** Class names in label order; null when unlabeled. */
  classes: string[] | null;
  /** In the order of the images; `list` has the labels of a shard of a synthetic set. */
  shards: (ManifestPart & { images: number; list?: string | undefined })[];
}

/**
 * The common part of the manifests of data sets and synthetic sets. Only shards of data sets have a
 * split.
 */
const manifestSchema = z.object({
  digest: z.string(),
  resolution: z.int(),
  channels: z.union([z.literal(1), z.literal(3)]),
  classes: z.array(z.string()).nullable().default(null),
  shards: z.array(
    partSchema.extend({
      images: z.int(),
      split: z.enum(['train', 'holdout']).optional(),
      list: z.string().optional(),
    }),
  ),
});

/** Opens a set of images. @throws StoreError when there is no such set. */
export async function openImageSet(
  store: ObjectStore,
  { set, prefix }: Pick<FeatureSet, 'set' | 'prefix'>,
): Promise<ImageSet> {
  const { digest, resolution, channels, classes, shards } = await getJson(
    store,
    joinKey(prefix, 'manifest.json'),
    manifestSchema,
  );
  const own = shards.filter(({ split }) => (set === 'synthetic' ? split === undefined : split === set));
  return { set, prefix, digest, resolution, channels, classes, shards: own };
}

/**
 * Labels of the first `count` images of a set, in order; null when unlabeled.
 *
 * @throws StoreError when the label files do not list as many images as the set has
 */
export async function imageLabels(
  store: ObjectStore,
  set: ImageSet,
  count: number,
): Promise<number[] | null> {
  if (set.classes === null) return null;
  const labels = set.set === 'synthetic' ? await listedLabels(store, set) : await splitLabels(store, set);
  const images = set.shards.reduce((sum, shard) => sum + shard.images, 0);
  if (labels.length === images) return labels.slice(0, count);
  throw new StoreError({
    what: `has labels of ${labels.length} images, but its shards have ${images}`,
    where: set.prefix,
    hint: 'Create the set again.',
  });
}

async function listedLabels(store: ObjectStore, { prefix, shards }: ImageSet): Promise<number[]> {
  const labels: number[] = [];
  for (const { list } of shards) {
    if (list === undefined) continue;
    const { images } = await getJson(store, joinKey(prefix, list), shardListSchema);
    for (const { label } of images) labels.push(label ?? 0);
  }
  return labels;
}

/** The label file of a split has the order of its shards. */
async function splitLabels(store: ObjectStore, { prefix, set }: ImageSet): Promise<number[]> {
  const key = LABEL_FILES[set === 'holdout' ? 'holdout' : 'train'];
  const { labels } = await getJson(store, joinKey(prefix, key), labelFileSchema);
  return (labels ?? []).map(([, label]) => label);
}

/** Number of shards that contain the first `maxImages` images. */
export function shardsFor({ shards }: ImageSet, maxImages: number): number {
  let images = 0;
  const enough = shards.findIndex((shard) => {
    images += shard.images;
    return images >= maxImages;
  });
  return enough < 0 ? shards.length : enough + 1;
}

/** Images at equal distances among the first `among` of a set. */
export async function sampleImages(
  store: ObjectStore,
  set: ImageSet,
  { among, count }: { among: number; count: number },
): Promise<{ side: number; channels: number; pixels: Uint8Array }[]> {
  const size = Math.min(among, count);
  const wanted = new Set(Array.from({ length: size }, (_, i) => Math.floor((i * among) / size)));
  const sample: { side: number; channels: number; pixels: Uint8Array }[] = [];
  let first = 0;
  for (const [shard, { images }] of set.shards.entries()) {
    const isWanted = (index: number) => wanted.has(first + index);
    if (Array.from({ length: images }, (_, i) => i).some(isWanted))
      for await (const pixels of shardImages(store, set, shard, isWanted))
        sample.push({ side: set.resolution, channels: set.channels, pixels });
    first += images;
  }
  return sample;
}

/**
 * Yields the images of one shard in order, each [resolution, resolution, channels] uint8; all, or
 * those at the wanted positions.
 */
export async function* shardImages(
  store: ObjectStore,
  set: ImageSet,
  shard: number,
  isWanted: (index: number) => boolean = () => true,
): AsyncGenerator<Uint8Array> {
  const part = set.shards[shard];
  if (!part) throw new RangeError(`set ${set.set} has no shard ${shard}`);
  const shape = { width: set.resolution, height: set.resolution, channels: set.channels };
  const folder = await makeScratchFolder('shard');
  try {
    const file = path.join(folder, path.basename(part.key));
    await downloadVerified(store, joinKey(set.prefix, part.key), file, part);
    const archive = await openShard(file);
    const decode = async (name: string) => decodeStored(await archive.read(name), shape, name);
    yield* mapInOrder(
      archive.names.filter((_, i) => isWanted(i)),
      Math.max(2, availableParallelism()),
      decode,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
