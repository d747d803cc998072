/** Captured states of a training on this machine's disk, until the object store has them. */
import { mkdir, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { CheckpointError } from '../core/errors.js';
import { environment } from '../core/environment.js';
import { sha256 } from '../storage/digest.js';
import { requireSpace } from '../storage/disk-space.js';
import { FileStore } from '../storage/file-store.js';
import type { ListEntry } from './list.js';
import { type CheckpointManifest, checkpointPrefix, type LoadedCheckpoint, trainPrefix } from './manifest.js';
import { entriesByManifest, loadVerified, type Warn } from './reader.js';
import type { CapturedState } from './upload-messages.js';
import { putCheckpoint } from './put-checkpoint.js';

/**
 * Checkpoints in the format of the object store, in a folder of the cache that only this user can
 * read: one folder for each run and store. A training thereby outlives an outage of the store, and
 * a trainer that is killed meanwhile loses nothing that was captured.
 */
export class Spool {
  private readonly store: FileStore;

  constructor(readonly folder: string) {
    this.store = new FileStore(folder);
  }

  static of(storeUri: string, runId: string): Spool {
    const server = storeUri.startsWith('s3:') ? (environment.s3Endpoint() ?? '') : '';
    const name = sha256(JSON.stringify([server, storeUri, runId])).slice(0, 32);
    return new Spool(path.join(environment.dataCacheFolder(), 'spool', name));
  }

  /**
   * @throws StoreUnavailableError when the disk is full; StoreAccessError when it cannot be written
   */
  async add({ draft, parts }: CapturedState, claim: number): Promise<ListEntry> {
    const bytes = Object.values(parts).reduce((sum, part) => sum + part.byteLength, 0);
    const prefix = checkpointPrefix('', draft);
    try {
      await requireSpace(this.folder, bytes, 'GIST_CACHE_DIR');
      await mkdir(this.folder, { recursive: true, mode: 0o700 });
      return await putCheckpoint(this.store, prefix, { draft, parts, claim });
    } catch (error) {
      await this.remove({ prefix });
      throw error;
    }
  }

  /** In the order of training. */
  async entries(): Promise<ListEntry[]> {
    return (await entriesByManifest(this.store, '')).sort((a, b) => a.step - b.step);
  }

  /** @throws CheckpointError when it is damaged */
  load(entry: ListEntry): Promise<LoadedCheckpoint> {
    return loadVerified(this.store, entry);
  }

  async remove({ prefix }: { prefix: string }): Promise<void> {
    await rm(path.join(this.folder, prefix), { recursive: true, force: true });
    // Fails while other states are there.
    await rmdir(this.folder).catch(() => undefined);
  }
}

/** What a new attempt finds in the spool of its run. */
export interface Spooled {
  /** States that the store does not have, in order; to be uploaded. */
  pending: ListEntry[];
  /** The newest of them, with the prefix that it will have in the store; null: none. */
  newest: LoadedCheckpoint | null;
}

/**
 * States of earlier attempts on this machine that are newer than the store's, and removes all
 * others: older ones, those of another configuration, of a deleted run of the same name, and from a
 * damaged one on, since a snapshot must not be left out.
 *
 * @param options step: of the newest checkpoint in the store; claim: of this attempt
 */
export async function findSpooled(
  spool: Spool,
  runId: string,
  options: {
    step: number;
    claim: number;
    isSame: (manifest: CheckpointManifest) => boolean;
    warn: Warn;
  },
): Promise<Spooled> {
  const pending: ListEntry[] = [];
  let newest: LoadedCheckpoint | null = null;
  let isBroken = false;
  for (const entry of await spool.entries()) {
    const loaded: LoadedCheckpoint | null =
      isBroken || entry.step <= options.step ? null : await loadSound(spool, entry);
    isBroken ||= loaded === null && entry.step > options.step;
    if (loaded && loaded.manifest.claim < options.claim && options.isSame(loaded.manifest)) {
      pending.push(entry);
      newest = loaded;
    } else await spool.remove(entry);
  }
  if (!newest) return { pending, newest };
  options.warn(
    `resumes from the state at ${newest.ref.kimg} kimg on this machine's disk, which the store does not have yet`,
  );
  const prefix = checkpointPrefix(trainPrefix(runId), newest.ref);
  return { pending, newest: { ...newest, ref: { ...newest.ref, prefix } } };
}

async function loadSound(spool: Spool, entry: ListEntry): Promise<LoadedCheckpoint | null> {
  try {
    return await spool.load(entry);
  } catch (error) {
    if (error instanceof CheckpointError) return null;
    throw error;
  }
}
