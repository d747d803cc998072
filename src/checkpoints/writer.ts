/** Checkpoints in the object store: committed in one step, verified when read, thinned out when old. */
import { GistError, PreconditionFailedError, StaleAttemptError } from '../core/errors.js';
import { log } from '../core/log.js';
import type { CheckpointRef } from '../spec/results.js';
import { sha256 } from '../storage/digest.js';
import { findObject } from '../storage/find-object.js';
import { type Part, putPart } from '../storage/manifest.js';
import type { ObjectStore } from '../storage/object-store.js';
import {
  type CheckpointManifest,
  checkpointPrefix,
  LASTING_PARTS,
  type LoadedCheckpoint,
  partKey,
  trainPrefix,
} from './manifest.js';
import { type IndexEntry, manifestKey, parseManifest } from './entry.js';
import { type HandedOver, newestEntry, Ownership, readList } from './ownership.js';

export type Warn = (message: string) => void;

/** What {@link CheckpointWriter.write} completes with keys, sizes and checksums. */
export type CheckpointDraft = Omit<CheckpointManifest, 'version' | 'claim' | 'parts'>;

/** Snapshots that count, oldest first. */
export async function listSnapshots(store: ObjectStore, runId: string): Promise<CheckpointRef[]> {
  const { checkpoints } = await readList(store, trainPrefix(runId), (message) => log.warn(message));
  return checkpoints.filter(({ snapshot }) => snapshot).map(refOf);
}

/** The newest checkpoint that a training can go on from, not verified. */
export async function newestCheckpoint(store: ObjectStore, runId: string): Promise<CheckpointRef | null> {
  const entry = await newestEntry(store, trainPrefix(runId));
  return entry && refOf(entry);
}

/**
 * The newest checkpoint whose manifest and parts are all there with the right sizes and checksums. Every one that is
 * passed over is warned of. null when there is none at all, or none that verifies.
 */
export async function findNewestCheckpoint(
  store: ObjectStore,
  runPrefix: string,
  warn: Warn,
): Promise<LoadedCheckpoint | null> {
  const { checkpoints } = await readList(store, runPrefix, warn);
  return newestThatVerifies(store, checkpoints, warn);
}

async function newestThatVerifies(
  store: ObjectStore,
  entries: readonly IndexEntry[],
  warn: Warn,
): Promise<LoadedCheckpoint | null> {
  const newestFirst = entries.filter(({ full }) => full).sort((a, b) => b.step - a.step);
  for (const entry of newestFirst) {
    try {
      return await loadCheckpoint(store, entry);
    } catch (error) {
      if (!(error instanceof Damage)) throw error;
      warn(`checkpoint ${entry.prefix} is set aside: ${error.message}`);
    }
  }
  if (newestFirst.length > 0) warn('no checkpoint is intact; the training starts anew');
  return null;
}

/** Why a checkpoint cannot be used; never leaves this file. */
class Damage extends Error {}

async function loadCheckpoint(store: ObjectStore, entry: IndexEntry): Promise<LoadedCheckpoint> {
  const bytes = await getOrDamage(store, manifestKey(entry.prefix));
  if (sha256(bytes) !== entry.manifestSha256) throw new Damage('its manifest is torn or changed');
  const manifest = parseManifest(bytes);
  if (!manifest) throw new Damage('its manifest cannot be read');
  const parts: Record<string, Uint8Array> = {};
  for (const [name, part] of Object.entries(manifest.parts)) {
    const content = await getOrDamage(store, `${entry.prefix}${part.key}`);
    if (content.byteLength !== part.bytes)
      throw new Damage(`${part.key} has ${content.byteLength} bytes, not ${part.bytes}`);
    if (sha256(content) !== part.sha256) throw new Damage(`${part.key} does not match its checksum`);
    parts[name] = content;
  }
  return { ref: refOf(entry), manifest, manifestSha256: entry.manifestSha256, parts };
}

async function getOrDamage(store: ObjectStore, key: string): Promise<Uint8Array> {
  const bytes = await findObject(store, key);
  if (!bytes) throw new Damage(`${key.split('/').at(-1)} is missing`);
  return bytes;
}

/** A writer on its way between threads. */
export interface WriterHandedOver {
  runPrefix: string;
  keepCheckpoints: number;
  entries: IndexEntry[];
  ownership: HandedOver;
}

/** What an attempt begins with. */
export interface Opened {
  writer: CheckpointWriter;
  /** The newest checkpoint that verifies, which the attempt goes on from. It is large: let go of it once it is restored. */
  newest: LoadedCheckpoint | null;
}

/** One attempt's way to its training's checkpoints. */
export class CheckpointWriter {
  private constructor(
    private readonly store: ObjectStore,
    private readonly runPrefix: string,
    private readonly ownership: Ownership,
    private readonly keepCheckpoints: number,
    private entries: IndexEntry[],
  ) {}

  /**
   * Claims the training, then reads its newest intact checkpoint: in this order, nobody can commit another one in between.
   *
   * @throws StaleAttemptError when a later attempt owns the training.
   */
  static async open(
    store: ObjectStore,
    runPrefix: string,
    options: { attempt: number; keepCheckpoints: number; warn: Warn },
  ): Promise<Opened> {
    const ownership = await Ownership.claim(store, runPrefix, options);
    const newest = await newestThatVerifies(store, ownership.checkpoints, options.warn);
    // Whatever lies beyond the state that training goes on from is damaged, and will be made again.
    const entries = ownership.checkpoints.filter(({ step }) => newest !== null && step <= newest.ref.step);
    const writer = new CheckpointWriter(store, runPrefix, ownership, options.keepCheckpoints, entries);
    return { writer, newest };
  }

  /** Everything that a thread needs to write on; this object must not be used any more. */
  handOver(): WriterHandedOver {
    const { runPrefix, keepCheckpoints, entries } = this;
    return { runPrefix, keepCheckpoints, entries, ownership: this.ownership.handOver() };
  }

  static takeOver(
    store: ObjectStore,
    { runPrefix, keepCheckpoints, entries, ownership }: WriterHandedOver,
  ): CheckpointWriter {
    const taken = Ownership.takeOver(store, runPrefix, ownership);
    return new CheckpointWriter(store, runPrefix, taken, keepCheckpoints, entries);
  }

  get claim(): number {
    return this.ownership.claim;
  }

  /**
   * Writes parts, then the manifest, then the index entry: only the last makes the checkpoint count, and it is refused when
   * a later attempt has claimed the training. Older full states are then thinned out. Safe to call again after a failure.
   *
   * @param parts by their names in PARTS
   * @throws StaleAttemptError
   */
  async write(draft: CheckpointDraft, parts: Record<string, Uint8Array>): Promise<CheckpointRef> {
    const { kimg, step, snapshot } = draft;
    const prefix = checkpointPrefix(this.runPrefix, draft);
    const listed: Record<string, Part> = {};
    for (const [name, bytes] of Object.entries(parts)) {
      listed[name] = await putPart(this.store, prefix, partKey(name, this.claim), bytes);
    }
    const manifest: CheckpointManifest = { version: 1, claim: this.claim, ...draft, parts: listed };
    const bytes = Buffer.from(`${JSON.stringify(manifest, null, 1)}\n`);
    await this.putManifest(manifestKey(prefix), bytes);
    const entry: IndexEntry = { prefix, kimg, step, snapshot, full: true, manifestSha256: sha256(bytes) };
    const { kept, thinned, dropped } = thinOut(
      [...this.entries.filter((other) => other.prefix !== prefix), entry],
      this.keepCheckpoints,
    );
    await this.ownership.commit(kept);
    this.entries = kept;
    for (const old of thinned) await this.deleteExcept(old.prefix, LASTING_PARTS);
    for (const old of dropped) await this.deleteExcept(old.prefix, []);
    return refOf(entry);
  }

  /**
   * Publishes a file that always shows the state of the newest commit.
   *
   * @throws StaleAttemptError
   */
  async publish(name: string, body: Uint8Array): Promise<void> {
    const key = `${this.runPrefix}${name}`;
    for (;;) {
      const before = await this.store.head(key);
      // Checked after the head: whoever claims from now on and publishes, changes the etag that our put depends on.
      await this.ownership.assertOwner();
      try {
        await this.store.put(key, body, before ? { ifMatch: before.etag } : { ifAbsent: true });
        return;
      } catch (error) {
        if (!(error instanceof PreconditionFailedError)) throw error;
      }
    }
  }

  /** A manifest gives way to one of a later claim only, whatever the order in which the two arrive. */
  private async putManifest(key: string, bytes: Uint8Array): Promise<void> {
    for (;;) {
      const before = await this.store.head(key);
      if (before) {
        const there = await this.store.get(key);
        if (sha256(there) === sha256(bytes)) return;
        // A manifest that cannot be read belongs to nobody.
        if ((parseManifest(there)?.claim ?? 0) > this.claim)
          throw new StaleAttemptError({ what: 'a later attempt has written this checkpoint', where: key });
      }
      try {
        await this.store.put(key, bytes, {
          contentType: 'application/json',
          ...(before ? { ifMatch: before.etag } : { ifAbsent: true }),
        });
        return;
      } catch (error) {
        if (!(error instanceof PreconditionFailedError)) throw error;
      }
    }
  }

  /** What cannot be deleted now does no harm: nothing refers to it. */
  private async deleteExcept(prefix: string, keep: readonly string[]): Promise<void> {
    try {
      for await (const { key } of this.store.list(prefix)) {
        const file = key.slice(prefix.length);
        const name = file.replace(/\.claim\d+(?=\.)/, '');
        const lasts = keep.length > 0 && (name === 'manifest.json' || keep.includes(name));
        const isLater = Number(/\.claim(\d+)\./.exec(file)?.[1] ?? 0) > this.claim;
        if (!lasts && !isLater) await this.store.delete(key);
      }
    } catch (error) {
      if (!(error instanceof GistError)) throw error;
      log.warn('an old checkpoint could not be deleted yet', { prefix, error: error.name });
    }
  }
}

/** The newest `keep` stay whole; older snapshots keep what lasts; other older ones go. */
function thinOut(
  entries: IndexEntry[],
  keep: number,
): { kept: IndexEntry[]; thinned: IndexEntry[]; dropped: IndexEntry[] } {
  const sorted = [...entries].sort((a, b) => a.step - b.step);
  const old = sorted.slice(0, Math.max(0, sorted.length - keep));
  const thinned = old.filter(({ snapshot, full }) => snapshot && full);
  const dropped = old.filter(({ snapshot }) => !snapshot);
  const kept = sorted
    .filter((entry) => !dropped.includes(entry))
    .map((entry) => (thinned.includes(entry) ? { ...entry, full: false } : entry));
  return { kept, thinned, dropped };
}

function refOf({ prefix, kimg, step }: IndexEntry): CheckpointRef {
  return { prefix, kimg, step };
}
