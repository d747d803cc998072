/** Features in the object store: extracted once a shard, read back as one matrix. */
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

/** What the spec's `extractor: auto` stands for. */
const EXTRACTOR = EXTRACTORS.effnetlite0;

let warm: Promise<LoadedExtractor> | null = null;

/** Loaded once a process, since compilation takes longer than many a shard. */
function warmExtractor(): Promise<LoadedExtractor> {
  if (!warm) {
    const loading = EXTRACTOR.load();
    warm = loading;
    // A failure is told to whoever asked; the next one tries again.
    loading.catch(() => {
      if (warm === loading) warm = null;
    });
  }
  return warm;
}

/** Features of images, in order. Memory holds one batch of pixels. */
export async function extractFeatures(
  images: AsyncIterable<SquareImage>,
  onBatch: (done: number) => void = () => undefined,
): Promise<FeatureMatrix> {
  const extractor = await warmExtractor();
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
  return joinRows(parts);
}

/** Shards that extraction and figures need; a set with fewer than two images has none. */
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
    if (imagesOf(opened) < 2) continue;
    sets.push({ set, prefix: opened.prefix, shards: shardsFor(opened, maxImages) });
  }
  return sets;
}

/** Extracts the features of one shard. Idempotent. @throws RangeError for a shard beyond the last */
export async function extractShardFeatures(
  store: ObjectStore,
  { sets, shard }: FeatureShard,
  onProgress: OnProgress,
): Promise<void> {
  let place = shard;
  for (const one of sets) {
    if (place < one.shards) return extractOnce(store, await openImageSet(store, one), place, onProgress);
    place -= one.shards;
  }
  throw new RangeError(`there is no shard ${shard}`);
}

/** The first images' features of a set, extracting what is not in the store yet. */
export async function setFeatures(
  store: ObjectStore,
  set: ImageSet,
  maxImages: number,
  onProgress: OnProgress,
): Promise<FeatureMatrix> {
  const parts: Float32Array[] = [];
  const shards = shardsFor(set, maxImages);
  for (let shard = 0; shard < shards; shard++) {
    await extractOnce(store, set, shard, onProgress);
    parts.push(await readShard(store, set, shard));
    onProgress({ done: shard + 1, total: shards, unit: 'shards' });
  }
  return firstRows(joinRows(parts), maxImages);
}

export function imagesOf({ shards }: ImageSet): number {
  return shards.reduce((sum, { images }) => sum + images, 0);
}

/** Equal images give equal features, so whoever comes first writes them, and a second writer does no harm. */
async function extractOnce(
  store: ObjectStore,
  set: ImageSet,
  shard: number,
  onProgress: OnProgress,
): Promise<void> {
  const key = featureKey(set.digest, set.set, shard);
  if (await store.head(key)) return;
  const total = set.shards[shard]?.images;
  const { rows, data } = await extractFeatures(squares(store, set, shard), (done) =>
    onProgress({ done, total, unit: 'images' }),
  );
  if (rows !== total)
    throw new StoreError({
      what: `holds ${rows} images, its manifest says ${total}`,
      where: `${set.prefix}${set.shards[shard]?.key}`,
    });
  await store.put(
    key,
    encodeSafetensors({ features: { shape: [rows, EXTRACTOR.dimensions], data: Float32Array.from(data) } }),
  );
}

async function* squares(store: ObjectStore, set: ImageSet, shard: number): AsyncGenerator<SquareImage> {
  const { resolution, channels } = set;
  for await (const pixels of shardImages(store, set, shard)) yield { resolution, channels, pixels };
}

async function readShard(store: ObjectStore, set: ImageSet, shard: number): Promise<Float32Array> {
  const key = featureKey(set.digest, set.set, shard);
  const { features } = decodeSafetensors(await store.get(key), key);
  if (features?.shape[0] === set.shards[shard]?.images && features?.shape[1] === EXTRACTOR.dimensions)
    return features.data;
  throw new StoreError({
    what: 'holds features of another set of images',
    where: key,
    hint: 'Delete it; it is made again.',
  });
}

function featureKey(digest: string, set: SetName, shard: number): string {
  const { name, version } = EXTRACTOR;
  return `features/${name}-v${version}/${digest}/${set}-${String(shard).padStart(5, '0')}.safetensors`;
}

function joinRows(parts: readonly Float32Array[]): FeatureMatrix {
  const data = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    data.set(part, at);
    at += part.length;
  }
  return { rows: data.length / EXTRACTOR.dimensions, columns: EXTRACTOR.dimensions, data };
}
