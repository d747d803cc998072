/** The plan of a data set in the object store: which image goes where, in pieces, so that a million images never travel at once. */
import { z } from 'zod';
import { StoreError } from '../core/errors.js';
import { getJson, joinKey, type ObjectStore, partSchema, putJson } from '../storage/index.js';
import { datasetPrefix, type DatasetSplit, pad, shardKey, SPLITS } from './dataset-manifest.js';

/** `<prefix>plan/plan.json`. Shards of training images come first, those held out after them. */
export const planSchema = z.object({
  version: z.literal(1),
  digest: z.string(),
  classes: z.array(z.string()).nullable(),
  /** Images of the source that are planned, by split. */
  sourceImages: z.object({ train: z.int(), holdout: z.int() }),
  shards: z.object({ train: z.int(), holdout: z.int() }),
  ignored: z.int(),
});
export type DatasetPlan = z.output<typeof planSchema>;

/** One line of `<prefix>plan/shard-00000.json`. */
export const plannedImageSchema = z.object({
  name: z.string(),
  bytes: z.int(),
  identity: z.string(),
  label: z.int(),
  /** Index within the split of the image made of it; that of its mirror image is one more. */
  index: z.int(),
});
export type PlannedImage = z.output<typeof plannedImageSchema>;

/** `<prefix>plan/report-00000.json`: what became of a shard; it counts as built once this is there. */
export const shardReportSchema = z.object({
  split: z.enum(SPLITS),
  /** null when none of its images could be read. */
  part: partSchema.nullable(),
  /** Name in the archive, and label. */
  images: z.array(z.tuple([z.string(), z.int()])),
  rejected: z.array(z.object({ name: z.string(), reason: z.string() })),
});
export type ShardReport = z.output<typeof shardReportSchema>;

export function planKey(digest: string): string {
  return joinKey(datasetPrefix(digest), 'plan/plan.json');
}

function pieceKey(digest: string, shard: number): string {
  return joinKey(datasetPrefix(digest), `plan/shard-${pad(shard, 5)}.json`);
}

export function reportKey(digest: string, shard: number): string {
  return joinKey(datasetPrefix(digest), `plan/report-${pad(shard, 5)}.json`);
}

export function readPlan(store: ObjectStore, digest: string): Promise<DatasetPlan> {
  return getJson(store, planKey(digest), planSchema);
}

/** Shards of a plan, of both splits. */
export function shardCount(plan: DatasetPlan): number {
  return plan.shards.train + plan.shards.holdout;
}

/** Split and key of a shard by its number in the plan. */
export function locateShard(plan: DatasetPlan, shard: number): { split: DatasetSplit; key: string } {
  if (shard < plan.shards.train) return { split: 'train', key: shardKey('train', shard) };
  if (shard < shardCount(plan))
    return { split: 'holdout', key: shardKey('holdout', shard - plan.shards.train) };
  throw new StoreError({ what: `has no shard ${shard}`, where: planKey(plan.digest) });
}

export async function writePiece(
  store: ObjectStore,
  digest: string,
  shard: number,
  images: PlannedImage[],
): Promise<void> {
  const lines = images.map((image) => `${JSON.stringify(image)}\n`).join('');
  await store.put(pieceKey(digest, shard), Buffer.from(lines), { contentType: 'application/x-ndjson' });
}

export async function readPiece(store: ObjectStore, digest: string, shard: number): Promise<PlannedImage[]> {
  const key = pieceKey(digest, shard);
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
      what: 'is not a plan that this version of GIST wrote',
      where: key,
      hint: 'Start the run again with --no-cache.',
    });
  }
}

export async function writeReport(
  store: ObjectStore,
  digest: string,
  shard: number,
  report: ShardReport,
): Promise<void> {
  await putJson(store, reportKey(digest, shard), report);
}
