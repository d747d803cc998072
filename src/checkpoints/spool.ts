/** Captured states of a training on this machine's disk, until the object store has them. */
import { mkdir, readdir, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { CheckpointError } from '../core/errors.js';
import { environment } from '../core/environment.js';
import { log } from '../core/log.js';
import { sha256 } from '../storage/digest.js';
import { requireSpace } from '../storage/disk-space.js';
import { errorCode } from '../storage/file-errors.js';
import { FileStore } from '../storage/file-store.js';
import type { ListEntry } from './list.js';
import { checkpointPrefix, type LoadedCheckpoint, MANIFEST } from './manifest.js';
import { entriesByManifest, loadVerified } from './reader.js';
import { type CapturedState, putCheckpoint } from './put-checkpoint.js';

/** Folder, in the cache, of the states of all runs in a store: a folder for each run. */
export function spoolFolder(storeUri: string): string {
  const server = storeUri.startsWith('s3:') ? (environment.s3Endpoint() ?? '') : '';
  const name = sha256(JSON.stringify([server, storeUri])).slice(0, 32);
  return path.join(environment.dataCacheFolder(), 'spool', name);
}

/**
 * Checkpoints in the format of the object store, in a folder of the cache that only this user can
 * read: one folder for each training, since a run that was deleted may have had the same name. A
 * training thereby outlives an outage of the store, and a trainer that is killed meanwhile loses
 * nothing that was captured.
 */
export class Spool {
  private readonly store: FileStore;

  constructor(readonly folder: string) {
    this.store = new FileStore(folder, { isRemovable: true });
  }

  static of(storeUri: string, runId: string, training: string): Spool {
    return new Spool(path.join(spoolFolder(storeUri), runId, training));
  }

  /**
   * @throws StoreUnavailableError when the disk is full; StoreAccessError when it cannot be written
   */
  async add(state: CapturedState, owner: { training: string; claim: number }): Promise<ListEntry> {
    const bytes = Object.values(state.parts).reduce((sum, part) => sum + part.byteLength, 0);
    const prefix = checkpointPrefix('', state.draft);
    try {
      await requireSpace(this.folder, bytes, 'GIST_DATA_CACHE');
      await mkdir(this.folder, { recursive: true, mode: 0o700 });
      return await putCheckpoint(this.store, prefix, { ...state, ...owner });
    } catch (error) {
      await this.remove({ prefix });
      throw error;
    }
  }

  /** In the order of training; only those that have a readable manifest. */
  async entries(): Promise<ListEntry[]> {
    return (await entriesByManifest(this.store, '')).sort((a, b) => a.step - b.step);
  }

  /** Whether a state was written to its end, whatever has become of it since. */
  async isFinished({ prefix }: { prefix: string }): Promise<boolean> {
    return (await this.store.head(`${prefix}${MANIFEST}`)) !== null;
  }

  /** Every state, readable or not. */
  async prefixes(): Promise<string[]> {
    const names = await readdir(this.folder).catch(() => []);
    return names.filter((name) => name.startsWith('checkpoint-')).map((name) => `${name}/`);
  }

  /** @throws CheckpointError when it is damaged */
  load(entry: ListEntry): Promise<LoadedCheckpoint> {
    return loadVerified(this.store, entry);
  }

  /** What cannot be removed does no harm: the next attempt tries again. */
  async remove({ prefix }: { prefix: string }): Promise<void> {
    try {
      await rm(path.join(this.folder, prefix), { recursive: true, force: true });
    } catch (error) {
      log.warn('a checkpoint could not be removed from the disk', { error: errorCode(error) });
    }
    await removeEmpty(this.folder);
  }
}

/** A folder and those that hold nothing else: of the training, of the run, of the store. */
async function removeEmpty(folder: string): Promise<void> {
  const parents = [folder, path.dirname(folder), path.dirname(path.dirname(folder))];
  try {
    for (const one of parents) await rmdir(one);
  } catch {
    // Others are there.
  }
}

/** What a new attempt finds in the spool of its training. */
export interface Spooled {
  /** States that the store does not have, in order; to be uploaded. */
  pending: ListEntry[];
  /** The newest of them; null: none. */
  newest: LoadedCheckpoint | null;
  /** Newer than the store's, and damaged. */
  damaged: string[];
}

/**
 * States of earlier attempts on this machine that are newer than the store's. Nothing is changed.
 *
 * @param step of the newest checkpoint in the store
 */
export async function findSpooled(spool: Spool, step: number): Promise<Spooled> {
  const found: Spooled = { pending: [], newest: null, damaged: [] };
  const entries = await spool.entries();
  for (const entry of entries.filter((one) => one.step > step)) {
    const loaded = await loadSound(spool, entry);
    if (loaded) {
      found.pending.push(entry);
      found.newest = loaded;
    } else found.damaged.push(entry.prefix);
  }
  const readable = new Set(entries.map(({ prefix }) => prefix));
  for (const prefix of await spool.prefixes()) {
    if (readable.has(prefix) || stepOf(prefix) <= step) continue;
    if (await spool.isFinished({ prefix })) found.damaged.push(prefix);
  }
  return found;
}

/** Removes states that the store has, or has newer ones than. @param step of the store's newest */
export async function dropStored(spool: Spool, step: number): Promise<void> {
  for (const prefix of await spool.prefixes()) if (stepOf(prefix) <= step) await spool.remove({ prefix });
}

/** Removes states that killed attempts have not finished. Only the owner of the training may. */
export async function dropUnfinished(spool: Spool): Promise<void> {
  for (const prefix of await spool.prefixes())
    if (!(await spool.isFinished({ prefix }))) await spool.remove({ prefix });
}

function stepOf(prefix: string): number {
  return Number(/step(\d+)\/$/.exec(prefix)?.[1]);
}

async function loadSound(spool: Spool, entry: ListEntry): Promise<LoadedCheckpoint | null> {
  try {
    return await spool.load(entry);
  } catch (error) {
    if (error instanceof CheckpointError) return null;
    throw error;
  }
}

/** A training that has states on this disk. */
export interface SpooledTraining {
  training: string;
  /** Step of its newest intact state. */
  step: number;
}

/** Trainings of that run with an intact state on this disk, the one of the newest state first. */
export async function spooledTrainings(storeUri: string, runId: string): Promise<SpooledTraining[]> {
  const names = await readdir(path.join(spoolFolder(storeUri), runId)).catch(() => []);
  const trainings: SpooledTraining[] = [];
  for (const training of names) {
    const { newest } = await findSpooled(Spool.of(storeUri, runId, training), 0);
    if (newest) trainings.push({ training, step: newest.ref.step });
  }
  return trainings.sort((a, b) => b.step - a.step);
}
