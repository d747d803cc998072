/** Features in the object store: extracted once per shard and read back as one matrix. */
import { DatasetError, StoreError } from '../core/errors.js';
import type { OnProgress } from '../core/progress.js';
import { decodeSafetensors, encodeSafetensors } from '../nn/formats/safetensors.js';
import type { FeatureSet, FeatureShard, PlannedSets } from '../spec/compute-tasks.js';
import type { ExtractorName } from '../spec/metrics.js';
import type { ObjectStore } from '../storage/index.js';
import type { LoadedExtractor } from './extractors/extractor.js';
import { extractorIdentity } from './extractors/identity.js';
import { EXTRACTORS } from './extractors/index.js';
import type { SquareImage } from './extractors/input.js';
import { type ImageSet, openImageSet, SET_NAMES, shardImages, shardsFor } from './image-sets.js';
import { storedStatistics } from './stored-statistics.js';
import { concatRows, type FeatureMatrix, firstRows } from './metrics/feature-matrix.js';

/** Of plans of earlier versions. */
const DEFAULT: readonly ExtractorName[] = ['effnetlite0'];

let cached: { identity: string; loading: Promise<LoadedExtractor> } | null = null;

/**
 * Loads an extractor once, since compilation may take longer than a shard. Another one, or the same
 * with weights that were imported since, replaces it: networks take up to 2 GB.
 */
async function getExtractor(name: ExtractorName): Promise<LoadedExtractor> {
  // Statistics of pixels need no memory between calls, and do not replace a network.
  if (name === 'radiomics') return EXTRACTORS[name].load();
  const identity = await extractorIdentity(name);
  if (cached?.identity === identity) return cached.loading;
  cached?.loading.then(
    (before) => before.dispose(),
    () => undefined,
  );
  const own = { identity, loading: EXTRACTORS[name].load() };
  cached = own;
  // The caller receives the error; the next call loads again.
  own.loading.catch(() => {
    if (cached === own) cached = null;
  });
  return own.loading;
}

/**
 * Extracts the features of images, in order. Memory holds the pixels of one batch.
 *
 * @throws DatasetError when features are not finite numbers
 */
export async function extractFeatures(
  images: AsyncIterable<SquareImage>,
  onBatch: (done: number) => void = () => undefined,
  name: ExtractorName = 'effnetlite0',
): Promise<FeatureMatrix> {
  const { [name]: features } = await extractAllFeatures(images, [name], onBatch);
  if (!features) throw new RangeError(`there are no features of ${name}`);
  return features;
}

/** The same for several extractors at once, so that images are read once. */
export async function extractAllFeatures(
  images: AsyncIterable<SquareImage>,
  names: readonly ExtractorName[],
  onBatch: (done: number) => void = () => undefined,
): Promise<Partial<Record<ExtractorName, FeatureMatrix>>> {
  const loaded = await loadAll(names);
  const size = Math.max(1, ...names.map((name) => EXTRACTORS[name].batch));
  let batch: SquareImage[] = [];
  let done = 0;
  const flush = async () => {
    for (const { name, extractor, parts } of loaded)
      parts.push(checkedFeatures(await extractor.extract(batch), name));
    done += batch.length;
    batch = [];
    onBatch(done);
  };
  for await (const image of images) {
    batch.push(image);
    if (batch.length === size) await flush();
  }
  if (batch.length > 0) await flush();
  return Object.fromEntries(
    loaded.map(({ name, parts }) => [name, withLogits(concatRows(parts, EXTRACTORS[name].dimensions), name)]),
  );
}

/** Uses an extractor on images that are no set. */
export async function withExtractor<Result>(
  name: ExtractorName,
  use: (extract: LoadedExtractor['extract']) => Promise<Result>,
): Promise<Result> {
  const extractor = await getExtractor(name);
  return use((images) => extractor.extract(images));
}

async function loadAll(names: readonly ExtractorName[]) {
  const loaded = [];
  for (const name of names)
    loaded.push({ name, extractor: await getExtractor(name), parts: [] as Float32Array[] });
  return loaded;
}

/** @throws DatasetError when features are not finite numbers */
export function checkedFeatures(features: Float32Array, name: ExtractorName): Float32Array {
  if (features.every(Number.isFinite)) return features;
  throw new DatasetError({
    what: `${name} gives features that are not finite numbers`,
    hint: 'Its weights are damaged or not its own: import them again (`gist weights fetch`).',
  });
}

/** Features whose logits are computed when a metric asks for them. */
function withLogits(features: FeatureMatrix, name: ExtractorName): FeatureMatrix {
  const logits = async () => {
    const { classify } = await getExtractor(name);
    if (!classify) throw new RangeError(`${name} has no classes`);
    return classify(features);
  };
  return { ...features, logits };
}

/**
 * Lists the sets and the number of shards that the metrics need. A set with fewer than two images
 * is left out.
 */
export async function listFeatureSets(
  store: ObjectStore,
  { dataset, synthetic, maxImages, extractors }: PlannedSets,
): Promise<FeatureSet[]> {
  const sets: FeatureSet[] = [];
  for (const set of SET_NAMES) {
    const opened = await openImageSet(store, {
      set,
      prefix: set === 'synthetic' ? synthetic : dataset,
    });
    if (countImages(opened) < 2) continue;
    sets.push({ set, prefix: opened.prefix, shards: shardsFor(opened, maxImages), extractors });
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
    if (index < set.shards) {
      const opened = await openImageSet(store, set);
      for (const extractor of set.extractors ?? DEFAULT)
        await ensureShardFeatures(store, opened, { shard: index, extractor }, onProgress);
      return;
    }
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
  { maxImages, extractor }: { maxImages: number; extractor: ExtractorName },
  onProgress: OnProgress,
): Promise<FeatureMatrix> {
  const parts: Float32Array[] = [];
  const shards = shardsFor(set, maxImages);
  for (let shard = 0; shard < shards; shard++) {
    await ensureShardFeatures(store, set, { shard, extractor }, onProgress);
    parts.push(await readShard(store, set, { shard, extractor }));
    onProgress({ done: shard + 1, total: shards, unit: 'shards' });
  }
  const features = firstRows(concatRows(parts, EXTRACTORS[extractor].dimensions), maxImages);
  const own = withLogits(features, extractor);
  if (set.set === 'synthetic') return own;
  const prefix = await featuresPrefix(set, extractor);
  const place = { prefix, name: `${set.set}-statistics-${features.rows}` };
  return { ...own, statistics: () => storedStatistics(store, place, features) };
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
  { shard, extractor }: ExtractedShard,
  onProgress: OnProgress,
): Promise<void> {
  const key = await featureKey(set, { shard, extractor });
  if (await store.head(key)) return;
  const total = set.shards[shard]?.images;
  const report = (done: number) => onProgress({ done, total, unit: 'images' });
  const { rows, columns, data } = await extractFeatures(
    readSquareImages(store, set, shard),
    report,
    extractor,
  );
  if (rows !== total)
    throw new StoreError({
      what: `contains ${rows} images, but its manifest says ${total}`,
      where: `${set.prefix}${set.shards[shard]?.key}`,
    });
  await store.put(
    key,
    encodeSafetensors({ features: { shape: [rows, columns], data: Float32Array.from(data) } }),
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

async function readShard(
  store: ObjectStore,
  set: ImageSet,
  extracted: ExtractedShard,
): Promise<Float32Array> {
  const key = await featureKey(set, extracted);
  const { features } = decodeSafetensors(await store.get(key), key);
  const [rows, columns] = features?.shape ?? [];
  const { shard, extractor } = extracted;
  if (features && rows === set.shards[shard]?.images && columns === EXTRACTORS[extractor].dimensions)
    return features.data;
  throw new StoreError({
    what: 'contains features of a different set of images',
    where: key,
    hint: 'Delete it; the features are extracted again.',
  });
}

/** A shard of a set, and the extractor of its features. */
interface ExtractedShard {
  shard: number;
  extractor: ExtractorName;
}

async function featureKey(set: ImageSet, { shard, extractor }: ExtractedShard): Promise<string> {
  const prefix = await featuresPrefix(set, extractor);
  return `${prefix}${set.set}-${String(shard).padStart(5, '0')}.safetensors`;
}

async function featuresPrefix({ digest }: ImageSet, extractor: ExtractorName): Promise<string> {
  return `features/${await extractorIdentity(extractor)}/${digest}/`;
}
