/**
 * Images that are made before their sides are known, since copies are found by what images show.
 * Several workers share them: shards of looks, of which a killed one alone is done again.
 */
import { z } from 'zod';
import type { OnProgress } from '../../core/progress.js';
import type { PreprocessSpec } from '../../spec/preprocess.js';
import { findJson, getJson, joinKey, type ObjectStore, putJson } from '../../storage/index.js';
import { mapInOrder } from '../in-flight.js';
import { makeSettings } from '../pixels/make-image.js';
import type { WindowChoice } from '../pixels/window-choice.js';
import type { Sequence } from '../source/column.js';
import type { ImageSource, SourceImage } from '../source/image-source.js';
import { duplicateMethod } from '../split/duplicates.js';
import { TASKS_IN_FLIGHT } from '../threads/image-pool.js';
import { inBatches, makeImages } from '../threads/work-on-files.js';
import { pad } from './dataset-manifest.js';
import { type EarlierImages, imagesOf, isKnown, readLines, writeLines } from './earlier-images.js';
import { contentOf, lookPrefix, PackWriter, placeSchema } from './made-images.js';
import { makeSeal } from './name-seal.js';
import { planKey, readPlanLines, writePlanLines } from './plan-file.js';
import { nameInPlan, readNames } from './planned-names.js';
import type { PlanScratch } from './plan-scratch.js';
import { windowChoiceSchema } from './window-choice-schema.js';

/** One worker alone looks at fewer images than this many shards have. */
const SHARED_FROM_SHARDS = 4;

/** `<prefix>plan/look/looks.json`. Written after the lists of the shards. */
const looksSchema = z.object({ version: z.literal(1), shards: z.int(), window: windowChoiceSchema });

/** A line of `<prefix>plan/look/looked-00000.ndjson`: content, place, and thumbnail in base64. */
const lookedSchema = z.tuple([z.string(), placeSchema, z.string().nullable()]);

const looksKey = (folder: string) => joinKey(lookPrefix(folder), 'looks.json');
const listKey = (folder: string, shard: number) => joinKey(lookPrefix(folder), `list-${pad(shard, 5)}.json`);
const lookedKey = (folder: string, shard: number) =>
  joinKey(lookPrefix(folder), `looked-${pad(shard, 5)}.ndjson`);

/**
 * Writes lists of the images that must be looked at, if they are many.
 *
 * @param images that are used, in the order of the source
 * @param known images of earlier data sets, which are not looked at again
 * @returns number of shards; 0 when the planning worker looks at them itself
 */
export async function planLooks(
  store: ObjectStore,
  spec: PreprocessSpec,
  { folder, images, all, known, window }: LooksPlan,
): Promise<number> {
  if (duplicateMethod(spec, all).method !== 'near') return 0;
  const contents = new Set<string>();
  const isNew = (image: SourceImage) => {
    const content = contentOf(image);
    if (contents.has(content) || isKnown(content, known)) return false;
    contents.add(content);
    return true;
  };
  const wanted: { image: SourceImage; position: number }[] = [];
  for (const [i, image] of images.entries()) if (isNew(image)) wanted.push({ image, position: i + 1 });
  if (wanted.length <= SHARED_FROM_SHARDS * spec.shardImages) return 0;
  const seal = await makeSeal(store, folder);
  const shards = Math.ceil(wanted.length / spec.shardImages);
  for (let shard = 0; shard < shards; shard++) {
    const own = wanted.slice(shard * spec.shardImages, (shard + 1) * spec.shardImages);
    const lines = own.map(({ image: { name, ...image }, position }) => ({
      ...nameInPlan(name, position, { names: spec.privacy.names, seal }),
      ...image,
      label: 0,
      index: 0,
    }));
    await writePlanLines(store, listKey(folder, shard), lines);
  }
  await putJson(store, looksKey(folder), { version: 1, shards, window });
  return shards;
}

export interface LooksPlan {
  folder: string;
  images: Sequence<SourceImage>;
  /** Number of images of the source, which decides how copies are looked for. */
  all: number;
  known: EarlierImages;
  window: WindowChoice;
}

/** Makes the images and thumbnails of one shard. Idempotent: what is there is kept. */
export async function lookShard(
  store: ObjectStore,
  source: ImageSource,
  spec: PreprocessSpec,
  {
    digest,
    shard,
    onProgress,
    signal,
  }: { digest: string; shard: number; onProgress?: OnProgress; signal?: AbortSignal },
): Promise<void> {
  // Another run may have finished the plan meanwhile, or the whole data set.
  for (const key of [lookedKey(digest, shard), planKey(digest)]) if ((await store.head(key)) !== null) return;
  const { window } = await getJson(store, looksKey(digest), looksSchema);
  const planned = await readPlanLines(store, listKey(digest, shard));
  const images = (await readNames(store, digest, planned)).map(({ image }) => image);
  const settings = makeSettings(spec, window.range);
  const packs = new PackWriter(store, `${lookPrefix(digest)}pack-${pad(shard, 5)}-`);
  const thumbnails: (Uint8Array | null)[] = [];
  const make = (batch: SourceImage[]) => makeImages(source, batch, settings, { wantsThumbnails: true });
  const batches = inBatches(
    images,
    ({ bytes }) => bytes,
    (image) => image,
  );
  for await (const results of mapInOrder(batches, TASKS_IN_FLIGHT, make, signal)) {
    for (const { made, thumbnail } of results) {
      await packs.add(images[thumbnails.length] as SourceImage, made);
      thumbnails.push(thumbnail);
    }
    onProgress?.({ done: thumbnails.length, total: images.length, unit: 'images' });
  }
  await packs.flush();
  const lines = images.map((image, i) => {
    const thumbnail = thumbnails[i];
    const text = thumbnail ? Buffer.from(thumbnail).toString('base64') : null;
    return [contentOf(image), packs.places.get(contentOf(image)), text];
  });
  await writeLines(store, lookedKey(digest, shard), lines);
}

/** What the shards have made; images that are not among them are those of `earlier`. */
export async function readLooked(
  store: ObjectStore,
  folder: string,
  { earlier, scratch }: { earlier: EarlierImages; scratch: PlanScratch },
): Promise<EarlierImages> {
  const looks = await findJson(store, looksKey(folder), looksSchema);
  if (looks === null) return earlier;
  const [places, thumbnails] = [scratch.table(), scratch.table()];
  for (let shard = 0; shard < looks.shards; shard++)
    for await (const [content, place, thumbnail] of readLines(
      store,
      lookedKey(folder, shard),
      lookedSchema,
    )) {
      places.set(content, JSON.stringify(place));
      thumbnails.set(content, thumbnail ?? '');
    }
  return imagesOf(places, thumbnails, earlier);
}
