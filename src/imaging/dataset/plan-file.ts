/**
 * The plan of a data set in the object store: the shard and index of every image. There is one file
 * per shard, so that a million images are never transferred at once.
 */
import { z } from 'zod';
import { StoreError } from '../../core/errors.js';
import { getJson, joinKey, type ObjectStore, partSchema, putJson } from '../../storage/index.js';
import { exposureSchema } from './exposure.js';
import { placeSchema } from './made-images.js';
import { sizesSchema } from './source-sizes.js';
import { windowChoiceSchema } from './window-choice-schema.js';
import {
  datasetPrefix,
  type DatasetSplit,
  pad,
  rejectedSchema,
  shardKey,
  SPLITS,
  surveyFields,
} from './dataset-manifest.js';

/** `<prefix>plan/plan.json`. Training shards come first, holdout shards after them. */
export const planSchema = z.object({
  version: z.literal(1),
  digest: z.string(),
  classes: z.array(z.string()).nullable(),
  /** Number of planned source images of each split. */
  sourceImages: z.object({ train: z.int(), holdout: z.int() }),
  shards: z.object({ train: z.int(), holdout: z.int() }),
  /** Number of planned source images of each class; null when unlabeled, or in an earlier plan. */
  classImages: z
    .object({ train: z.array(z.int()), holdout: z.array(z.int()) })
    .nullable()
    .default(null),
  ignored: z.int(),
  /** Values of 16-bit images that become 0 and 255; null in an earlier plan. */
  window: windowChoiceSchema.nullable().default(null),
  ...surveyFields,
});
export type DatasetPlan = z.output<typeof planSchema>;

/** A plan with the folder under `datasets/` that it was read from. */
export type StoredPlan = DatasetPlan & { folder: string };

/** One line of `<prefix>plan/shard-00000.json`. */
export const plannedImageSchema = z.object({
  /** Relative path in the source; where names are hidden, the number of the file in its list. */
  name: z.string(),
  /** The hidden name, encrypted. */
  sealed: z.string().optional(),
  /** Number of the file in the sorted list of the source, from 1; absent in an earlier plan. */
  position: z.int().optional(),
  /** Frame of a file of which all are used. */
  frame: z.int().optional(),
  bytes: z.int(),
  identity: z.string(),
  label: z.int(),
  /** Index of the output image within the split; the mirrored image has the next index. */
  index: z.int(),
  /** Where it is, if it was made already. */
  made: placeSchema.optional(),
});
export type PlannedImage = z.output<typeof plannedImageSchema>;

/**
 * `<prefix>plan/report-00000.json`: the result of a shard. The shard is built once this file
 * exists.
 */
export const shardReportSchema = z.object({
  split: z.enum(SPLITS),
  /** null when all images of the shard were rejected. */
  part: partSchema.nullable(),
  /** File name in the archive, and label. */
  images: z.array(z.tuple([z.string(), z.int()])),
  rejected: z.array(rejectedSchema),
  /** Number of images with each harmless fault. */
  notes: z.record(z.string(), z.int()).default({}),
  exposure: z.array(exposureSchema).default([]),
  sizes: sizesSchema.nullable().default(null),
});
export type ShardReport = z.output<typeof shardReportSchema>;

export function planKey(folder: string): string {
  return joinKey(datasetPrefix(folder), 'plan/plan.json');
}

function shardPlanKey(folder: string, shard: number): string {
  return joinKey(datasetPrefix(folder), `plan/shard-${pad(shard, 5)}.json`);
}

export function reportKey(folder: string, shard: number): string {
  return joinKey(datasetPrefix(folder), `plan/report-${pad(shard, 5)}.json`);
}

export async function readPlan(store: ObjectStore, folder: string): Promise<StoredPlan> {
  return { ...(await getJson(store, planKey(folder), planSchema)), folder };
}

/** Number of shards of a plan, in both splits. */
export function shardCount(plan: DatasetPlan): number {
  return plan.shards.train + plan.shards.holdout;
}

/** Finds the split and key of a shard by its number in the plan. */
export function locateShard(plan: StoredPlan, shard: number): { split: DatasetSplit; key: string } {
  if (shard < plan.shards.train) return { split: 'train', key: shardKey('train', shard) };
  if (shard < shardCount(plan))
    return { split: 'holdout', key: shardKey('holdout', shard - plan.shards.train) };
  throw new StoreError({ what: `has no shard ${shard}`, where: planKey(plan.folder) });
}

export function writeShardPlan(
  store: ObjectStore,
  folder: string,
  shard: number,
  images: PlannedImage[],
): Promise<void> {
  return writePlanLines(store, shardPlanKey(folder, shard), images);
}

export async function writePlanLines(store: ObjectStore, key: string, images: PlannedImage[]): Promise<void> {
  const lines = images.map((image) => `${JSON.stringify(image)}\n`).join('');
  await store.put(key, Buffer.from(lines), { contentType: 'application/x-ndjson' });
}

export function readShardPlan(store: ObjectStore, folder: string, shard: number): Promise<PlannedImage[]> {
  return readPlanLines(store, shardPlanKey(folder, shard));
}

export async function readPlanLines(store: ObjectStore, key: string): Promise<PlannedImage[]> {
  const lines = Buffer.from(await store.get(key))
    .toString('utf8')
    .split('\n')
    .filter(Boolean);
  return lines.map((line) => parseLine(line, key));
}

function parseLine(line: string, key: string): PlannedImage {
  try {
    return plannedImageSchema.parse(JSON.parse(line));
  } catch {
    throw new StoreError({
      what: 'is not a plan of this version of GIST',
      where: key,
      hint: 'Start the run again with --no-cache.',
    });
  }
}

export async function writeReport(
  store: ObjectStore,
  folder: string,
  shard: number,
  report: ShardReport,
): Promise<void> {
  await putJson(store, reportKey(folder, shard), report);
}
