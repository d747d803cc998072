/**
 * The list of a training's checkpoints, `checkpoints.json`: which of them count, and who owns the
 * training.
 */
import { z } from 'zod';
import type { CheckpointRef } from '../spec/results.js';

export const refSchema = z.object({ prefix: z.string(), kimg: z.number(), step: z.int() });

const entrySchema = z.object({
  prefix: z.string(),
  kimg: z.number(),
  step: z.int(),
  snapshot: z.boolean(),
  /** false: only what lasts of a snapshot is kept (EMA weights, preview, manifest). */
  full: z.boolean(),
  manifestSha256: z.string(),
});
export type ListEntry = z.output<typeof entrySchema>;

export const listSchema = z.object({
  version: z.literal(1),
  /**
   * Made at the first claim: a run that was deleted may have had the same name. Absent in lists of
   * earlier versions.
   */
  training: z.string().optional(),
  owner: z.object({ claim: z.int(), attempt: z.number(), nonce: z.string() }),
  /**
   * Changes with every write, so that a writer recognizes its own write when the reply was lost.
   */
  writeId: z.string(),
  checkpoints: z.array(entrySchema),
});
export type CheckpointList = z.output<typeof listSchema>;

export function listKey(runPrefix: string): string {
  return `${runPrefix}checkpoints.json`;
}

export function refOf({ prefix, kimg, step }: ListEntry): CheckpointRef {
  return { prefix, kimg, step };
}
