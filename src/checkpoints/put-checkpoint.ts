/** Puts the objects of one checkpoint: its parts, then the manifest that lists them. */
import { sha256 } from '../storage/digest.js';
import { type ManifestPart, putPart } from '../storage/manifest.js';
import type { ObjectStore } from '../storage/object-store.js';
import type { ListEntry } from './list.js';
import { type CheckpointManifest, manifestKey, partKey } from './manifest.js';

/** What {@link putCheckpoint} completes with keys, sizes and checksums. */
export type CheckpointDraft = Omit<CheckpointManifest, 'version' | 'training' | 'claim' | 'parts'>;

/** A copy of the state at one moment, on the host. */
export interface CapturedState {
  draft: CheckpointDraft;
  parts: Record<string, Uint8Array>;
}

/** @param putManifest by default an unconditional put */
export async function putCheckpoint(
  store: ObjectStore,
  prefix: string,
  { draft, parts, training, claim }: CapturedState & { training: string; claim: number },
  putManifest: (key: string, bytes: Uint8Array) => Promise<unknown> = (key, bytes) => store.put(key, bytes),
): Promise<ListEntry> {
  const listed: Record<string, ManifestPart> = {};
  for (const [name, bytes] of Object.entries(parts))
    listed[name] = await putPart(store, prefix, partKey(name, claim), bytes);
  const manifest: CheckpointManifest = { version: 1, training, claim, ...draft, parts: listed };
  const bytes = Buffer.from(`${JSON.stringify(manifest, null, 1)}\n`);
  await putManifest(manifestKey(prefix), bytes);
  const { kimg, step, snapshot } = draft;
  return { prefix, kimg, step, snapshot, full: true, manifestSha256: sha256(bytes) };
}
