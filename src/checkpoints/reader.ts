/**
 * Everything that reads checkpoints: the list of a training's, the newest of them, and one that is
 * named.
 */
import { CheckpointError, CheckpointLostError, NewerVersionError, StoreError } from '../core/errors.js';
import { log } from '../core/log.js';
import type { CheckpointRef } from '../spec/results.js';
import { sha256 } from '../storage/digest.js';
import { findObject } from '../storage/find-object.js';
import { parseJson } from '../storage/json.js';
import type { ManifestPart } from '../storage/manifest.js';
import type { ObjectStore } from '../storage/object-store.js';
import { type CheckpointList, type ListEntry, listKey, listSchema, refOf } from './list.js';
import {
  type CheckpointManifest,
  type LoadedCheckpoint,
  MANIFEST,
  manifestKey,
  manifestSchema,
  CHECKPOINT_PARTS,
  trainPrefix,
} from './manifest.js';

export type Warn = (message: string) => void;

const warnInLog: Warn = (message) => log.warn(message);

/** Snapshots that count, oldest first. */
export async function listSnapshots(store: ObjectStore, runId: string): Promise<CheckpointRef[]> {
  const { checkpoints } = await readList(store, trainPrefix(runId), warnInLog);
  return checkpoints.filter(({ snapshot }) => snapshot).map(refOf);
}

/**
 * The newest checkpoint in the list that a training can resume from, not verified; null when there
 * is none.
 */
export async function newestListed(store: ObjectStore, runId: string): Promise<CheckpointRef | null> {
  const { checkpoints } = await readList(store, trainPrefix(runId), warnInLog);
  const [newest] = resumable(checkpoints);
  return newest ? refOf(newest) : null;
}

/**
 * The newest checkpoint whose manifest and parts are all present with the right sizes and
 * checksums. `warn` reports each one that is skipped. null when there is none at all.
 *
 * @throws CheckpointLostError when there are checkpoints and none verifies
 */
export async function newestVerified(
  store: ObjectStore,
  runId: string,
  warn: Warn,
): Promise<LoadedCheckpoint | null> {
  const { checkpoints } = await readList(store, trainPrefix(runId), warn);
  return newestVerifiedOf(store, checkpoints, warn);
}

/** {@link newestVerified} of a list that has been read already. */
export async function newestVerifiedOf(
  store: ObjectStore,
  checkpoints: readonly ListEntry[],
  warn: Warn,
): Promise<LoadedCheckpoint | null> {
  const reasons: string[] = [];
  for (const entry of resumable(checkpoints)) {
    try {
      return await loadVerified(store, entry);
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error;
      const reason = `${nameOf(entry.prefix)}: ${error.where?.split('/').at(-1)} ${error.what}`;
      warn(`checkpoint ${reason}; it is skipped`);
      reasons.push(reason);
    }
  }
  const newest = checkpoints.at(-1);
  if (newest) throw lost(reasons, newest.prefix);
  return null;
}

function nameOf(prefix: string): string {
  return prefix.split('/').at(-2) ?? prefix;
}

/** @param reasons why each checkpoint cannot be resumed from; none: their state is gone */
function lost(reasons: readonly string[], where: string): CheckpointLostError {
  const found = reasons.length > 0 ? reasons.join('; ') : 'none of them has its full state';
  return lostCheckpoints(`no checkpoint of this training is intact: ${found}`, where);
}

export function lostCheckpoints(what: string, where: string): CheckpointLostError {
  return new CheckpointLostError({
    what: `${what}.`,
    where,
    hint: 'Put these objects back, from a backup or an earlier version of the bucket, and resume the run. Without them only a new run can train, from the beginning.',
  });
}

/** Newest first; older snapshots, which keep their average only, are left out. */
export function resumable(checkpoints: readonly ListEntry[]): ListEntry[] {
  return checkpoints.filter(({ full }) => full).sort((a, b) => b.step - a.step);
}

/** @throws CheckpointError for the first object that is missing or damaged; NewerVersionError */
export async function loadVerified(store: ObjectStore, entry: ListEntry): Promise<LoadedCheckpoint> {
  const { prefix, manifestSha256 } = entry;
  const key = manifestKey(prefix);
  const bytes = await findObject(store, key);
  if (!bytes) throw damage('is missing', key);
  if (sha256(bytes) !== manifestSha256) throw damage('is torn or changed', key);
  const manifest = parseManifest(bytes, key);
  if (!manifest) throw damage('cannot be read', key);
  const parts: Record<string, Uint8Array> = {};
  for (const [name, part] of Object.entries(manifest.parts))
    parts[name] = await readVerified(store, prefix, part);
  return { ref: refOf(entry), manifest, manifestSha256, parts };
}

async function readVerified(store: ObjectStore, prefix: string, part: ManifestPart): Promise<Uint8Array> {
  const key = `${prefix}${part.key}`;
  const content = await findObject(store, key);
  if (!content) throw damage('is missing', key);
  if (content.byteLength !== part.bytes)
    throw damage(`has ${content.byteLength} bytes, not ${part.bytes}`, key);
  if (sha256(content) !== part.sha256) throw damage('does not match its checksum in the manifest', key);
  return content;
}

function damage(what: string, where: string): CheckpointError {
  return new CheckpointError({ what, where, hint: 'Use another checkpoint of the run.' });
}

/** null when the bytes are no manifest. @throws NewerVersionError */
export function parseManifest(bytes: Uint8Array, where = MANIFEST): CheckpointManifest | null {
  try {
    return parseManifestAt(bytes, where);
  } catch (error) {
    if (error instanceof StoreError) return null;
    throw error;
  }
}

function parseManifestAt(bytes: Uint8Array, where: string): CheckpointManifest {
  refuseNewer(bytes, where, manifestSchema.shape.version.value);
  return parseJson(bytes, where, manifestSchema);
}

/** A file of a newer version is not damaged: it must be neither skipped nor replaced. */
function refuseNewer(bytes: Uint8Array, where: string, known: number): void {
  const version = versionOf(bytes);
  if (version <= known) return;
  throw new NewerVersionError({
    what: `was written by a newer version of GIST (format ${version}, this one reads ${known})`,
    where,
    hint: 'Use workers of that version; nothing was changed.',
  });
}

/** 0 where the bytes do not tell one. */
function versionOf(bytes: Uint8Array): number {
  try {
    const { version } = JSON.parse(Buffer.from(bytes).toString('utf8')) as { version?: unknown };
    return typeof version === 'number' ? version : 0;
  } catch {
    return 0;
  }
}

/** The newest manifest that can be read; null when there is none. */
export async function newestManifest(
  store: ObjectStore,
  checkpoints: readonly ListEntry[],
): Promise<CheckpointManifest | null> {
  for (const { prefix } of [...checkpoints].sort((a, b) => b.step - a.step)) {
    const bytes = await findObject(store, manifestKey(prefix));
    const manifest = bytes && parseManifest(bytes, manifestKey(prefix));
    if (manifest) return manifest;
  }
  return null;
}

/** The manifest of a checkpoint; null when there is none. @throws StoreError when it is damaged */
export async function findManifest(store: ObjectStore, prefix: string): Promise<CheckpointManifest | null> {
  const key = manifestKey(prefix);
  const bytes = await findObject(store, key);
  return bytes && parseManifestAt(bytes, key);
}

/**
 * The manifest of a checkpoint that a user names.
 *
 * @throws CheckpointError when there is none, or it is damaged; NewerVersionError
 */
export async function readManifest(store: ObjectStore, prefix: string): Promise<CheckpointManifest> {
  const key = manifestKey(prefix);
  try {
    return parseManifestAt(await store.get(key), key);
  } catch (cause) {
    if (!(cause instanceof StoreError)) throw cause;
    // Where the store as a whole refuses (wrong secret, no bucket), this fails with that error.
    await store.head(key);
    throw new CheckpointError({
      what: 'is not a checkpoint, or is damaged',
      where: key,
      hint: 'Give the folder of a checkpoint: the one that holds manifest.json.',
      cause,
    });
  }
}

/** A part of a checkpoint, verified. @throws CheckpointError when it is missing or damaged */
export async function readPart(
  store: ObjectStore,
  prefix: string,
  manifest: CheckpointManifest,
  name: string,
): Promise<Uint8Array> {
  const part = manifest.parts[name];
  if (!part) throw damage('is not among the parts of the checkpoint', `${prefix}${name}`);
  return readVerified(store, prefix, part);
}

/**
 * SHA-256 of the weights that images are made with. An address alone does not identify them: the
 * weights there may have been replaced by another import or training.
 *
 * @throws CheckpointError
 */
export async function weightsDigest(store: ObjectStore, prefix: string): Promise<string> {
  const part = (await readManifest(store, prefix)).parts[CHECKPOINT_PARTS.generatorEma];
  if (part) return part.sha256;
  throw new CheckpointError({
    what: 'holds no averaged generator',
    where: manifestKey(prefix),
    hint: 'Use another checkpoint.',
  });
}

/** The list as it is in the store. */
export interface StoredList {
  /** null when there is none, or it is damaged. */
  list: CheckpointList | null;
  /** null when there is none. */
  etag: string | null;
}

/** Does not throw for a damaged list. @throws NewerVersionError */
export async function readStoredList(store: ObjectStore, runPrefix: string): Promise<StoredList> {
  const key = listKey(runPrefix);
  for (;;) {
    const before = await store.head(key);
    if (!before) return { list: null, etag: null };
    const bytes = await store.get(key);
    // The bytes belong to the etag only if nobody wrote in between.
    if ((await store.head(key))?.etag !== before.etag) continue;
    refuseNewer(bytes, key, listSchema.shape.version.value);
    try {
      return { list: parseJson(bytes, key, listSchema), etag: before.etag };
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      return { list: null, etag: before.etag };
    }
  }
}

/**
 * The list, and the checkpoints that count: those in it. Where it is damaged or deleted these are
 * the checkpoints that have a manifest, and `warn` reports it; a training that nobody has claimed
 * yet has neither.
 */
export async function readList(
  store: ObjectStore,
  runPrefix: string,
  warn: Warn,
): Promise<StoredList & { checkpoints: ListEntry[] }> {
  const stored = await readStoredList(store, runPrefix);
  if (stored.list) return { ...stored, checkpoints: stored.list.checkpoints };
  const checkpoints = await entriesByManifest(store, runPrefix);
  const isDamaged = stored.etag !== null;
  if (isDamaged || checkpoints.length > 0) {
    const state = isDamaged ? 'damaged' : 'missing';
    warn(`the list of checkpoints is ${state}; found by their manifests: ${checkpoints.length}`);
  }
  return { ...stored, checkpoints };
}

/** An entry for each readable manifest under the prefix of a training; no part is read. */
export async function entriesByManifest(store: ObjectStore, runPrefix: string): Promise<ListEntry[]> {
  const entries: ListEntry[] = [];
  for await (const { key } of store.list(`${runPrefix}checkpoint-`)) {
    if (!key.endsWith(`/${MANIFEST}`)) continue;
    const entry = await entryOf(store, key.slice(0, -MANIFEST.length));
    if (entry) entries.push(entry);
  }
  return entries;
}

async function entryOf(store: ObjectStore, prefix: string): Promise<ListEntry | null> {
  const bytes = await findObject(store, manifestKey(prefix));
  const manifest = bytes && parseManifest(bytes, manifestKey(prefix));
  if (!manifest) return null;
  const { kimg, step, snapshot, parts } = manifest;
  const heads = await Promise.all(Object.values(parts).map(({ key }) => store.head(`${prefix}${key}`)));
  const full = heads.every((head) => head !== null);
  return { prefix, kimg, step, snapshot, full, manifestSha256: sha256(bytes) };
}
