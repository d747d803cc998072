/** What the list of checkpoints says of each: as it was written, or, where the list is lost, as the manifests tell it. */
import { z } from 'zod';
import { StoreError } from '../core/errors.js';
import { sha256 } from '../storage/digest.js';
import { findObject } from '../storage/find-object.js';
import { parseJson } from '../storage/json.js';
import type { ObjectStore } from '../storage/object-store.js';
import { type CheckpointManifest, manifestSchema } from './manifest.js';

export const entrySchema = z.object({
  prefix: z.string(),
  kimg: z.number(),
  step: z.int(),
  snapshot: z.boolean(),
  /** false: only what lasts of a snapshot is kept (EMA weights, preview, manifest). */
  full: z.boolean(),
  manifestSha256: z.string(),
});
export type IndexEntry = z.output<typeof entrySchema>;

const MANIFEST = 'manifest.json';

export function manifestKey(prefix: string): string {
  return `${prefix}${MANIFEST}`;
}

/** null when the bytes are no manifest. */
export function parseManifest(bytes: Uint8Array): CheckpointManifest | null {
  try {
    return parseJson(bytes, MANIFEST, manifestSchema);
  } catch (error) {
    if (error instanceof StoreError) return null;
    throw error;
  }
}

/** An entry for each manifest that can be read under the prefix of a training; no part is read. */
export async function entriesByListing(store: ObjectStore, runPrefix: string): Promise<IndexEntry[]> {
  const entries: IndexEntry[] = [];
  for await (const { key } of store.list(`${runPrefix}checkpoint-`)) {
    if (!key.endsWith(`/${MANIFEST}`)) continue;
    const entry = await entryOf(store, key.slice(0, -MANIFEST.length));
    if (entry) entries.push(entry);
  }
  return entries;
}

async function entryOf(store: ObjectStore, prefix: string): Promise<IndexEntry | null> {
  const bytes = await findObject(store, manifestKey(prefix));
  const manifest = bytes && parseManifest(bytes);
  if (!manifest) return null;
  const { kimg, step, snapshot, parts } = manifest;
  const heads = await Promise.all(Object.values(parts).map(({ key }) => store.head(`${prefix}${key}`)));
  const full = heads.every((head) => head !== null);
  return { prefix, kimg, step, snapshot, full, manifestSha256: sha256(bytes) };
}
