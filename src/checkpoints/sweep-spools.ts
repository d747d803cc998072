/** Removes states from this disk that no attempt on this machine will come for. */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { GistError } from '../core/errors.js';
import { log } from '../core/log.js';
import type { ObjectStore } from '../storage/object-store.js';
import { withoutRetries } from '../storage/retrying-store.js';
import { trainPrefix } from './manifest.js';
import { readStoredList, resumable } from './reader.js';
import { dropStored, Spool, spoolFolder } from './spool.js';

/** States of a deleted run stay this long: it may be one that the store has lost. */
const DELETED_MS = 30 * 24 * 60 * 60_000;

/**
 * A run may have continued on another machine: then the store has newer states than this disk. What
 * the store does not have is kept, however old.
 */
export async function sweepSpools(store: ObjectStore, storeUri: string, now = Date.now()): Promise<void> {
  const once = withoutRetries(store);
  try {
    for (const runId of await namesIn(spoolFolder(storeUri)))
      for (const training of await namesIn(path.join(spoolFolder(storeUri), runId)))
        await sweepSpool(once, { runId, training, spool: Spool.of(storeUri, runId, training) }, now);
  } catch (error) {
    if (!(error instanceof GistError)) throw error;
    log.warn('could not remove old checkpoints from this disk', { error: error.name });
  }
}

async function sweepSpool(
  store: ObjectStore,
  { runId, training, spool }: { runId: string; training: string; spool: Spool },
  now: number,
): Promise<void> {
  const { list } = await readStoredList(store, trainPrefix(runId));
  if (list?.training === training) return dropStored(spool, resumable(list.checkpoints)[0]?.step ?? 0);
  for (const prefix of await spool.prefixes()) {
    const changed = await stat(path.join(spool.folder, prefix)).catch(() => null);
    if (changed && now - changed.mtimeMs >= DELETED_MS) await spool.remove({ prefix });
  }
}

function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
