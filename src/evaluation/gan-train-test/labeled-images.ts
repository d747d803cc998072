/** Reads the labeled images of the compared sets, those of some classes only. */
import { StoreError } from '../../core/errors.js';
import { shardListSchema, syntheticManifestSchema } from '../../generation/synthetic-manifest.js';
import { openDataset } from '../../imaging/index.js';
import type { SetName } from '../../spec/compute-tasks.js';
import { getJson, joinKey, type ObjectStore } from '../../storage/index.js';
import { openImageSet, shardImages } from '../image-sets.js';

export interface LabeledImage {
  /** Index into the classes that are told apart. */
  label: number;
  /** [resolution, resolution, channels] uint8. */
  pixels: Uint8Array;
}

/** Which images of a set are read. */
export interface WantedImages {
  set: SetName;
  /** Names of the classes. */
  classes: readonly string[];
  maxImages: number;
}

/** The sets of images that classifiers are trained and tested on. */
export interface ClassifiedSets {
  shape(): Promise<{ resolution: number; channels: 1 | 3 }>;
  /** The first images of the classes, in the order of the set. */
  images(wanted: WantedImages): AsyncIterable<LabeledImage>;
}

/** The sets of a run. */
export function storedSets(
  store: ObjectStore,
  { dataset, synthetic }: { dataset: string; synthetic: string },
): ClassifiedSets {
  return {
    shape: () => openImageSet(store, { set: 'train', prefix: dataset }),
    images: (wanted) =>
      labeledImages(store, { ...wanted, prefix: wanted.set === 'synthetic' ? synthetic : dataset }),
  };
}

interface LabeledSet extends WantedImages {
  prefix: string;
}

async function* labeledImages(store: ObjectStore, wanted: LabeledSet): AsyncGenerator<LabeledImage> {
  let images = 0;
  for await (const image of ofClasses(store, wanted)) {
    if (images++ >= wanted.maxImages) return;
    yield image;
  }
}

function ofClasses(store: ObjectStore, wanted: LabeledSet): AsyncGenerator<LabeledImage> {
  return wanted.set === 'synthetic' ? syntheticImages(store, wanted) : realImages(store, wanted, wanted.set);
}

async function* realImages(
  store: ObjectStore,
  { prefix, classes }: LabeledSet,
  side: 'train' | 'holdout',
): AsyncGenerator<LabeledImage> {
  const { manifest, images } = await openDataset(store, prefix);
  const labels = newLabels(manifest.classes ?? [], classes);
  for await (const { label, pixels } of images(side)) {
    const own = labels[label ?? -1];
    if (own !== undefined && own >= 0) yield { label: own, pixels };
  }
}

async function* syntheticImages(
  store: ObjectStore,
  { set, prefix, classes }: LabeledSet,
): AsyncGenerator<LabeledImage> {
  const manifest = await getJson(store, joinKey(prefix, 'manifest.json'), syntheticManifestSchema);
  const labels = newLabels(manifest.classes ?? [], classes);
  const opened = await openImageSet(store, { set, prefix });
  for (const [shard, { list, images }] of manifest.shards.entries()) {
    const listed = await getJson(store, joinKey(prefix, list), shardListSchema);
    if (listed.images.length !== images)
      throw new StoreError({
        what: `lists ${listed.images.length} images, but the manifest says ${images}`,
        where: joinKey(prefix, list),
        hint: 'Generate the synthetic set again.',
      });
    const own = listed.images.map(({ label }) => labels[label ?? -1] ?? -1);
    const kept = own.filter((label) => label >= 0);
    let next = 0;
    // An archive has its images in the order of the list.
    for await (const pixels of shardImages(store, opened, shard, (i) => (own[i] as number) >= 0))
      yield { label: kept[next++] as number, pixels };
  }
}

/** For each label of a set, its index into the classes that are told apart; -1: none. */
function newLabels(names: readonly string[], classes: readonly string[]): number[] {
  return names.map((name) => classes.indexOf(name));
}
