/** What a data set says of itself: its manifest, its label files, and the names of everything in it. */
import { z } from 'zod';
import type { DatasetRef } from '../spec/results.js';
import { canonicalJson, partSchema, sha256 } from '../storage/index.js';

export const SPLITS = ['train', 'holdout'] as const;
export type DatasetSplit = (typeof SPLITS)[number];

const rejectedSchema = z.object({
  /** Name within the source, so that the user can find the file. */
  name: z.string(),
  reason: z.string(),
});
export type RejectedImage = z.output<typeof rejectedSchema>;

export const datasetShardSchema = partSchema.extend({ split: z.enum(SPLITS), images: z.int().min(1) });
export type DatasetShard = z.output<typeof datasetShardSchema>;

/** `<prefix>manifest.json`: written last, so the data set exists once it is there. */
export const datasetManifestSchema = z.object({
  version: z.literal(1),
  digest: z.string(),
  resolution: z.int(),
  channels: z.union([z.literal(1), z.literal(3)]),
  /** Class names in label order; null when unlabelled. */
  classes: z.array(z.string()).nullable(),
  images: z.object({ train: z.int(), holdout: z.int() }),
  /** Images of each class, in label order; null when unlabelled. */
  classImages: z.object({ train: z.array(z.int()), holdout: z.array(z.int()) }).nullable(),
  /** In the order of images. */
  shards: z.array(datasetShardSchema),
  rejected: z.array(rejectedSchema),
  /** Files of the source that were passed over, since their names are not those of images. */
  ignored: z.int(),
  /** What shaped the images, as in the spec. */
  settings: z.record(z.string(), z.unknown()),
  /** Versions of the image libraries. */
  madeWith: z.record(z.string(), z.string()),
});
export type DatasetManifest = z.output<typeof datasetManifestSchema>;

/** StyleGAN3's label file: image names within the archive and their labels. */
export const labelFileSchema = z.object({ labels: z.array(z.tuple([z.string(), z.int()])).nullable() });

/** Key of a split's label file; that of the training images has the name that StyleGAN3's tools expect. */
export const LABEL_FILES: Record<DatasetSplit, string> = { train: 'dataset.json', holdout: 'holdout.json' };

export function datasetPrefix(digest: string): string {
  return `datasets/${digest}/`;
}

/** Name in a cache: shards enter it, so that a data set which was made anew is not taken for the old one. */
export function cacheName({ digest, shards }: DatasetManifest): string {
  return `${digest}-${sha256(canonicalJson(shards)).slice(0, 16)}`;
}

/** What other stages are told of a data set. */
export function datasetRef(manifest: DatasetManifest): DatasetRef {
  const { digest, resolution, channels, classes, images, rejected } = manifest;
  return {
    prefix: datasetPrefix(digest),
    digest,
    resolution,
    channels,
    classes,
    images,
    rejected: rejected.length,
  };
}

/** Name of an image within its archive: a folder a thousand, as StyleGAN3's data sets have it. */
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
