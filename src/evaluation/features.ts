/** Features in the object store: extracted once per shard and read back as one matrix. */
import { StoreError } from '../core/errors.js';
import type { OnProgress } from '../core/progress.js';
import { decodeSafetensors, encodeSafetensors } from '../nn/formats/safetensors.js';
import type { ComparedSets, FeatureSet, FeatureShard, SetName } from '../spec/compute-tasks.js';
import type { ObjectStore } from '../storage/index.js';
import type { LoadedExtractor } from './extractors/extractor.js';
import { EXTRACTORS } from './extractors/index.js';
import type { SquareImage } from './extractors/input.js';
import { type ImageSet, openImageSet, SET_NAMES, shardImages, shardsFor } from './image-sets.js';
import { type FeatureMatrix, firstRows } from './metrics/feature-matrix.js';

/** The extractor of all metrics. */
const EXTRACTOR = EXTRACTORS.effnetlite0;

let cached: Promise<LoadedExtractor> | null = null;

/** Loads the extractor once per process, since compilation may take longer than a shard. */
function getExtractor(): Promise<LoadedExtractor> {
  if (!cached) {
    const loading = EXTRACTOR.load();
    cached = loading;
    // The caller receives the error; the next call loads again.
    loading.catch(() => {
      if (cached === loading) cached = null;
    });
  }
  return cached;
}

/** Extracts the features of images, in order. Memory holds the pixels of one batch. */
export async function extractFeatures(
  images: AsyncIterable<SquareImage>,
  onBatch: (done: number) => void = () => undefined,
): Promise<FeatureMatrix> {
  const extractor = await getExtractor();
  const parts: Float32Array[] = [];
  let batch: SquareImage[] = [];
  let done = 0;
  const flush = async () => {
    parts.push(await extractor.extract(batch));
    done += batch.length;
    batch = [];
    onBatch(done);
  };
  for await (const image of images) {
    batch.push(image);
    if (batch.length === EXTRACTOR.batch) await flush();
  }
  if (batch.length > 0) await flush();
  return concatRows(parts);
}

/**
 * Lists the sets and the number of shards that the metrics need. A set with fewer than two images
 * is left out.
 */
export async function listFeatureSets(
  store: ObjectStore,
  { dataset, synthetic, maxImages }: ComparedSets,
): Promise<FeatureSet[]> {
  const sets: FeatureSet[] = [];
  for (const set of SET_NAMES) {
    const opened = await openImageSet(store, {
      set,
      prefix: set === 'synthetic' ? synthetic : dataset,
    });
    if (countImages(opened) < 2) continue;
    sets.push({ set, prefix: opened.prefix, shards: shardsFor(opened, maxImages) });
  }
  return sets;
}

/**
 * Extracts the features of one shard. Shards are numbered across all sets. Idempotent.
 *
 * @throws RangeError for a shard beyond the last.
 */
export async function extractShardFeatures(
  store: ObjectStore,
  { sets, shard }: FeatureShard,
  onProgress: OnProgress,
): Promise<void> {
  let index = shard;
  for (const set of sets) {
    if (index < set.shards)
      return ensureShardFeatures(store, await openImageSet(store, set), index, onProgress);
    index -= set.shards;
  }
  throw new RangeError(`there is no shard ${shard}`);
}

/**
 * Reads the features of the first `maxImages` images of a set; extracts those not in the store yet.
 */
export async function setFeatures(
  store: ObjectStore,
  set: ImageSet,
  maxImages: number,
  onProgress: OnProgress,
): Promise<FeatureMatrix> {
  const parts: Float32Array[] = [];
  const shards = shardsFor(set, maxImages);
  for (let shard = 0; shard < shards; shard++) {
    await ensureShardFeatures(store, set, shard, onProgress);
    parts.push(await readShard(store, set, shard));
    onProgress({ done: shard + 1, total: shards, unit: 'shards' });
  }
  return firstRows(concatRows(parts), maxImages);
}

export function countImages({ shards }: ImageSet): number {
  return shards.reduce((sum, { images }) => sum + images, 0);
}

/**
 * Extracts the features of a shard unless the store has them. Equal images give equal features, so
 * concurrent writers are safe.
 */
async function ensureShardFeatures(
  store: ObjectStore,
  set: ImageSet,
  shard: number,
  onProgress: OnProgress,
): Promise<void> {
  const key = featureKey(set.digest, set.set, shard);
  if (await store.head(key)) return;
  const total = set.shards[shard]?.images;
  const { rows, data } = await extractFeatures(readSquareImages(store, set, shard), (done) =>
    onProgress({ done, total, unit: 'images' }),
  );
  if (rows !== total)
    throw new StoreError({
      what: `contains ${rows} images, but its manifest says ${total}`,
      where: `${set.prefix}${set.shards[shard]?.key}`,
    });
  await store.put(
    key,
    encodeSafetensors({ features: { shape: [rows, EXTRACTOR.dimensions], data: Float32Array.from(data) } }),
  );
}

async function* readSquareImages(
  store: ObjectStore,
  set: ImageSet,
  shard: number,
): AsyncGenerator<SquareImage> {
  const { resolution, channels } = set;
  for await (const pixels of shardImages(store, set, shard)) yield { resolution, channels, pixels };
}

async function readShard(store: ObjectStore, set: ImageSet, shard: number): Promise<Float32Array> {
  const key = featureKey(set.digest, set.set, shard);
  const { features } = decodeSafetensors(await store.get(key), key);
  if (features?.shape[0] === set.shards[shard]?.images && features?.shape[1] === EXTRACTOR.dimensions)
    return features.data;
  throw new StoreError({
    what: 'contains features of a different set of images',
    where: key,
    hint: 'Delete it; the features are extracted again.',
  });
}

function featureKey(digest: string, set: SetName, shard: number): string {
  const { name, version } = EXTRACTOR;
  return `features/${name}-v${version}/${digest}/${set}-${String(shard).padStart(5, '0')}.safetensors`;
}

function concatRows(parts: readonly Float32Array[]): FeatureMatrix {
  const data = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    data.set(part, at);
    at += part.length;
  }
  return { rows: data.length / EXTRACTOR.dimensions, columns: EXTRACTOR.dimensions, data };
}
