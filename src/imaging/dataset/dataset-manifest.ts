/** The manifest of a data set, its label files, and the names of its objects. */
import { z } from 'zod';
import type { DatasetRef } from '../../spec/results.js';
import { canonicalJson, partSchema, sha256 } from '../../storage/index.js';
import { exposureSchema } from './exposure.js';
import { sizesSchema } from './source-sizes.js';
import { windowChoiceSchema } from './window-choice-schema.js';
import { duplicateReportSchema } from '../split/duplicate-report.js';

export const SPLITS = ['train', 'holdout'] as const;
export type DatasetSplit = (typeof SPLITS)[number];

export const rejectedSchema = z.object({
  /** Relative path in the source; where names are hidden, the number of the file in its list. */
  name: z.string(),
  /** Number of the file in the sorted list of the source, from 1; absent in earlier versions. */
  position: z.int().optional(),
  reason: z.string(),
});
export type RejectedImage = z.output<typeof rejectedSchema>;

/** What stands for the name of a file that is hidden. */
export function hiddenName(position: number): string {
  return `file ${position} (hidden by privacy.names)`;
}

/** `<prefix>rejected.json`, where too many images were rejected and no data set was made. */
export const REJECTED_LIST = 'rejected.json';
export const rejectedListSchema = z.object({
  rejected: z.array(rejectedSchema),
  /** Those of the data set that was not made; absent in earlier versions. */
  digest: z.string().optional(),
  settings: z.record(z.string(), z.unknown()).optional(),
});

export const datasetShardSchema = partSchema.extend({ split: z.enum(SPLITS), images: z.int().min(1) });
export type DatasetShard = z.output<typeof datasetShardSchema>;

/** What a plan and a manifest say about the source; absent in those of earlier versions. */
export const surveyFields = {
  /** Number of files and images that are not in the data set, by reason. */
  skipped: z.record(z.string(), z.int()).default({}),
  /** Where the labels come from, and why. */
  labels: z.object({ from: z.string(), why: z.string() }).nullable().default(null),
  /** Copies of images, which are on one side of the split. */
  duplicates: duplicateReportSchema.nullable().default(null),
  /** What the user should know. Names no file, folder or patient. */
  notices: z.array(z.string()).default([]),
};

/** `<prefix>manifest.json`. Written last: the data set exists once this file exists. */
export const datasetManifestSchema = z.object({
  version: z.literal(1),
  digest: z.string(),
  resolution: z.int(),
  channels: z.union([z.literal(1), z.literal(3)]),
  /** Class names in label order; null when unlabeled. */
  classes: z.array(z.string()).nullable(),
  images: z.object({ train: z.int(), holdout: z.int() }),
  /** Number of images of each class, in label order; null when unlabeled. */
  classImages: z.object({ train: z.array(z.int()), holdout: z.array(z.int()) }).nullable(),
  /** In the order of the images. */
  shards: z.array(datasetShardSchema),
  rejected: z.array(rejectedSchema),
  /** Number of images with each harmless fault of their files. */
  notes: z.record(z.string(), z.int()).default({}),
  /** How bright the images are; null in earlier versions. */
  exposure: z
    .object({ train: z.array(exposureSchema), holdout: z.array(exposureSchema) })
    .nullable()
    .default(null),
  /** Sizes of the source images; null in earlier versions. */
  sizes: sizesSchema.nullable().default(null),
  /** Values of 16-bit images that became 0 and 255, and why. */
  window: windowChoiceSchema.nullable().default(null),
  /** Number of files of the source that were ignored, since their names are not image names. */
  ignored: z.int(),
  /** Classes without images, which keep their labels. */
  emptyClasses: z.array(z.string()).default([]),
  ...surveyFields,
  /** Settings of the spec that determine the images. */
  settings: z.record(z.string(), z.unknown()),
  /** Versions of the image libraries. */
  madeWith: z.record(z.string(), z.string()),
});
export type DatasetManifest = z.output<typeof datasetManifestSchema>;

/** StyleGAN3's label file: image names within the archive and their labels. */
export const labelFileSchema = z.object({ labels: z.array(z.tuple([z.string(), z.int()])).nullable() });

/**
 * Key of each split's label file. The training split has the name that StyleGAN3's tools expect.
 */
export const LABEL_FILES: Record<DatasetSplit, string> = { train: 'dataset.json', holdout: 'holdout.json' };

/** @param folder digest of the data set, or digest and generation */
export function datasetPrefix(folder: string): string {
  return `datasets/${folder}/`;
}

/** Name in a cache. It depends on the shards, so that a rebuilt data set gets a new name. */
export function cacheName({ digest, shards }: DatasetManifest): string {
  return `${digest}-${sha256(canonicalJson(shards)).slice(0, 16)}`;
}

/** The reference to a data set that other stages receive. */
export function datasetRef(manifest: DatasetManifest, prefix = datasetPrefix(manifest.digest)): DatasetRef {
  const { digest, resolution, channels, classes, images, rejected } = manifest;
  return {
    prefix,
    digest,
    resolution,
    channels,
    classes,
    images,
    rejected: rejected.length,
  };
}

/**
 * File name of an image in its archive: one folder per thousand images, as in StyleGAN3's data
 * sets.
 */
export function imageName(index: number): string {
  return `${pad(Math.floor(index / 1000), 5)}/img${pad(index, 8)}.png`;
}

/** Key of a shard, relative to the data set. */
export function shardKey(split: DatasetSplit, index: number): string {
  return `${split}-${pad(index, 5)}.zip`;
}

export function pad(n: number, digits: number): string {
  return String(n).padStart(digits, '0');
}
