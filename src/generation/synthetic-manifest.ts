/** The manifest of a synthetic set, and the lists of its shards. */
import { z } from 'zod';
import { cardSchema } from '../spec/generate.js';
import { partSchema } from '../storage/manifest.js';

/** `<prefix>synthetic-00000.json`: the archive of a shard, and its images. */
export const shardListSchema = z.object({
  shard: z.int(),
  archive: partSchema,
  /** Name in the archive, seed, label (null when unconditional). */
  images: z.array(z.object({ name: z.string(), seed: z.int(), label: z.int().nullable() })),
});
export type ShardList = z.output<typeof shardListSchema>;

/** Which images of another set this set has. */
export const selectionSchema = z.object({
  /** Key prefix of the other set. */
  from: z.string(),
  /** Share of real images that rejected images are more unusual than. */
  rejectAbove: z.number(),
  /** Images of the other set, of which the first were judged, and of those the rejected ones. */
  images: z.int(),
  judged: z.int(),
  rejected: z.int(),
});

/** `<prefix>manifest.json`. Written last: the set exists once this file exists. */
export const syntheticManifestSchema = z.object({
  version: z.literal(1),
  digest: z.string(),
  images: z.int(),
  resolution: z.int(),
  channels: z.union([z.literal(1), z.literal(3)]),
  /** Class names in label order; null when unconditional. */
  classes: z.array(z.string()).nullable(),
  /** Images of each class. */
  counts: z.array(z.int()).nullable(),
  checkpoint: z.object({ prefix: z.string(), kimg: z.number(), step: z.int() }),
  /** Image i has this seed + i, unless images were selected: the lists name the seeds. */
  seed: z.int(),
  truncationPsi: z.number(),
  grid: z.string(),
  /** What the user says about the set. */
  card: cardSchema.optional(),
  /** Of a set of accepted images: the set that they come from, and how they were chosen. */
  selection: selectionSchema.optional(),
  /** Archives in order; `list` names the seed and class of each image. */
  shards: z.array(partSchema.extend({ images: z.int(), firstSeed: z.int(), list: z.string() })),
});
export type SyntheticManifest = z.output<typeof syntheticManifestSchema>;

export function syntheticPrefix(runId: string, digest: string): string {
  return `runs/${runId}/generate/${digest}/`;
}
