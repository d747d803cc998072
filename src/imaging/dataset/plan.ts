/**
 * Plans a data set before any image is decoded: lists the source, then sets labels, split and
 * order.
 */
import type { OnProgress } from '../../core/progress.js';
import type { PreprocessSpec, PrivacySpec } from '../../spec/preprocess.js';
import type { DatasetRef } from '../../spec/results.js';
import { contentKey, findJson, joinKey, type ObjectStore, putJson } from '../../storage/index.js';
import {
  datasetManifestSchema,
  datasetPrefix,
  datasetRef,
  type DatasetSplit,
  SPLITS,
} from './dataset-manifest.js';
import type { ImageSource, SourceImage } from '../source/image-source.js';
import { mapInOrder } from '../in-flight.js';
import type { Labels } from '../labels/labels.js';
import {
  type DatasetPlan,
  planKey,
  planSchema,
  type PlannedImage,
  shardCount,
  writeShardPlan,
} from './plan-file.js';
import { PlanScratch } from './plan-scratch.js';
import { findSeal, makeSeal } from './name-seal.js';
import { planWindow } from './plan-window.js';
import {
  type EarlierImages,
  isKnown,
  NO_IMAGES,
  readChecksums,
  readEarlierImages,
  writeChecksums,
  writeThumbnails,
} from './earlier-images.js';
import { planLooks, readLooked } from './looks.js';
import { contentOf, packPrefix, PackWriter, type Place } from './made-images.js';
import { nameInPlan } from './planned-names.js';
import { type MakeSettings, makeSettings } from '../pixels/make-image.js';
import type { Duplicates, LookAt } from '../split/duplicates.js';
import type { WindowChoice } from '../pixels/window-choice.js';
import { makeImages } from '../threads/work-on-files.js';
import { openSource } from '../source/source.js';
import type { Split } from '../split/split.js';
import { positionsOf, splitSurvey, type Survey, surveyDigest, surveySource, usedImages } from './survey.js';

/** Increment when the same source and settings give different images. */
const PREPROCESS_VERSION = 3;

export interface PlanOptions {
  /**
   * Builds the data set again in a folder of its own, `datasets/<digest>-<generation>/`: one that a
   * manifest names is never changed. Default: the data set, plan and shards of an earlier run are
   * reused.
   */
  generation?: string;
  /**
   * Where what many images show must be compared, their planning ends with shards of looks: call
   * {@link lookShard} for each, and then this function without the option.
   */
  sharesLooks?: boolean;
  onProgress?: OnProgress;
  signal?: AbortSignal;
}

export interface PlannedDataset {
  /** Folder of the data set under `datasets/`: its digest, and the generation if there is one. */
  digest: string;
  /** Number of planned shards, from 0: training shards first, then holdout. */
  shards: number;
  /** The finished data set when an earlier run built it, otherwise null. */
  dataset: DatasetRef | null;
  /** Number of shards of looks, from 0: the plan is not finished before they are done. */
  looks?: number;
}

/**
 * The settings that determine the images of the data set: every key but the address of the source
 * and `maxRejected`.
 */
export function datasetSettings({ source: _source, maxRejected: _maxRejected, ...settings }: PreprocessSpec) {
  return settings;
}

/**
 * Writes the plan to `plan/` in the folder of the data set. The digest covers the list of images,
 * with the identity of each image's content, its label and the side of its patient, and the
 * settings. The same images with the same settings therefore give the same data set, whatever the
 * address of the source.
 *
 * @throws DatasetError or ArchiveError when the source cannot be used.
 */
export function planDataset(
  store: ObjectStore,
  spec: PreprocessSpec,
  options: PlanOptions = {},
  source: ImageSource = openSource(spec.source),
): Promise<PlannedDataset> {
  return PlanScratch.with((scratch) => planOnDisk(store, spec, source, { ...options, scratch }));
}

async function planOnDisk(
  store: ObjectStore,
  spec: PreprocessSpec,
  source: ImageSource,
  options: PlanOptions & { scratch: PlanScratch },
): Promise<PlannedDataset> {
  const { scratch } = options;
  if (source.checksums) source.knownChecksums = await readChecksums(store, source.uri, scratch);
  const survey = await surveySource(source, spec, options);
  if (source.checksums) await writeChecksums(store, source.uri, { checksums: source.checksums(), scratch });
  const digest = await digestOf(survey, spec);
  const folder = options.generation === undefined ? digest : `${digest}-${options.generation}`;
  const dataset = await findDataset(store, folder);
  // A plan without its key cannot be built: someone has removed the manifest.
  const seal = dataset ? null : await findSeal(store, folder);
  const known = dataset || seal ? await findJson(store, planKey(folder), planSchema) : null;
  if (dataset || known) return { digest: folder, shards: known ? shardCount(known) : 0, dataset };
  const window = await planWindow(source, usedImages(survey), spec.window, options.signal);
  const isNew = options.generation !== undefined;
  const stored = isNew ? NO_IMAGES : await readEarlierImages(store, spec, { window, scratch });
  if (options.sharesLooks) {
    const images = usedImages(survey);
    const wanted = { folder, images, all: survey.images.length, known: stored, window };
    const looks = await planLooks(store, spec, wanted);
    if (looks > 0) return { digest: folder, shards: 0, dataset: null, looks };
  }
  const earlier = await readLooked(store, folder, { earlier: stored, scratch });
  const packs = new PackWriter(store, packPrefix(folder));
  const thumbnails = new Map<string, Uint8Array | null>();
  const look = { settings: makeSettings(spec, window.range), earlier, packs, thumbnails };
  const lookAt: LookAt = (images) => makeAndLook(source, images, look);
  const { split, duplicates } = await splitSurvey(source, spec, survey, { ...options, lookAt });
  await packs.flush();
  if (thumbnails.size > 0) await writeThumbnails(store, folder, thumbnails);
  const shards = { train: planShards(spec, split, 'train'), holdout: planShards(spec, split, 'holdout') };
  const plan = planOf(source, survey, { digest, window, split, duplicates, shards });
  const all = SPLITS.flatMap((name) => shards[name]);
  const placeOf = (image: SourceImage) =>
    packs.places.get(contentOf(image)) ?? earlier.placeOf(contentOf(image));
  const lines = { folder, survey, shards: all, names: spec.privacy.names, placeOf };
  await writeShardPlans(store, lines, options);
  // Written last: the plan is valid once this file exists.
  await putJson(store, planKey(folder), plan);
  return { digest: folder, shards: shardCount(plan), dataset: null };
}

/** What is known of a data set before its images are made. */
function planOf(
  source: ImageSource,
  survey: Survey,
  { digest, window, split, duplicates, shards }: Planned,
): DatasetPlan {
  return {
    version: 1,
    digest,
    classes: survey.labels.classes,
    classImages: classImages(survey.labels, split),
    sourceImages: { train: split.train.length, holdout: split.holdout.length },
    shards: { train: shards.train.length, holdout: shards.holdout.length },
    ignored: source.contents.ignored,
    skipped: { ...source.contents.skipped, ...survey.leftOut },
    labels: survey.labels.basis,
    duplicates: duplicates.report,
    notices: [...survey.notices, ...duplicates.notices, ...split.notices],
    window,
  };
}

interface Planned {
  digest: string;
  window: WindowChoice;
  split: Split;
  duplicates: Duplicates;
  shards: Record<DatasetSplit, PlannedShard[]>;
}

/** The digest of the data set that a source gives with the settings. */
export async function digestOf(survey: Survey, spec: PreprocessSpec): Promise<string> {
  return contentKey('preprocess', PREPROCESS_VERSION, [await surveyDigest(survey)], datasetSettings(spec));
}

/**
 * Thumbnails for the search for copies, of which those of an earlier data set are known. The other
 * images are made of the same decoding, and stored.
 */
async function makeAndLook(
  source: ImageSource,
  images: readonly SourceImage[],
  {
    settings,
    earlier,
    packs,
    thumbnails,
  }: {
    settings: MakeSettings;
    earlier: EarlierImages;
    packs: PackWriter;
    thumbnails: Map<string, Uint8Array | null>;
  },
): Promise<(Uint8Array | null)[]> {
  const others = images.filter((image) => !isKnown(contentOf(image), earlier));
  const results = await makeImages(source, others, settings, { wantsThumbnails: true });
  for (const [i, { made, thumbnail }] of results.entries()) {
    const image = others[i] as SourceImage;
    await packs.add(image, made);
    thumbnails.set(contentOf(image), thumbnail);
  }
  return images.map((image) => {
    const content = contentOf(image);
    const thumbnail = thumbnails.get(content) ?? earlier.thumbnailOf(content) ?? null;
    thumbnails.set(content, thumbnail);
    return thumbnail;
  });
}

/** Number of images of each class on both sides. */
function classImages({ classes, labels }: Labels, split: Split): DatasetPlan['classImages'] {
  if (classes === null) return null;
  const count = (indices: Uint32Array) => {
    const counts = new Array<number>(classes.length).fill(0);
    for (const i of indices) counts[labels[i] as number] = (counts[labels[i] as number] ?? 0) + 1;
    return counts;
  };
  return { train: count(split.train), holdout: count(split.holdout) };
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
  plan: {
    folder: string;
    survey: Survey;
    shards: PlannedShard[];
    names: PrivacySpec['names'];
    placeOf: (image: SourceImage) => Place | undefined;
  },
  { onProgress, signal }: PlanOptions,
): Promise<void> {
  const { folder, survey, shards, placeOf } = plan;
  const { images } = survey;
  const { labels } = survey.labels;
  const seal = await makeSeal(store, folder);
  const positions = positionsOf(survey);
  const write = async ([shard, { indices, first, copies }]: [number, PlannedShard]) => {
    const lines = Array.from(indices, (index, i): PlannedImage => {
      const source = images.at(index) as SourceImage;
      const { name, ...image } = source;
      const position = positions[index] as number;
      const label = labels[index] as number;
      const made = placeOf(source);
      const line = {
        ...nameInPlan(name, position, { names: plan.names, seal }),
        position,
        ...image,
        label,
        index: (first + i) * copies,
      };
      return made ? { ...line, made } : line;
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
