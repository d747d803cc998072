/** Removes what attempts that were killed have left of checkpoints that they did not finish. */
import { GistError } from '../core/errors.js';
import { log } from '../core/log.js';
import type { ObjectStore } from '../storage/object-store.js';
import { withoutRetries } from '../storage/retrying-store.js';
import type { ListEntry } from './list.js';
import { MANIFEST } from './manifest.js';

/**
 * Deletes parts of earlier claims in folders that are neither listed nor have a manifest, and ends
 * their unfinished uploads. What a later claim writes is never touched, and neither is a folder
 * with a manifest: an older list that was put back may not name it.
 */
export async function sweepUnfinished(
  store: ObjectStore,
  runPrefix: string,
  { claim, listed }: { claim: number; listed: readonly ListEntry[] },
): Promise<void> {
  const prefix = `${runPrefix}checkpoint-`;
  const once = withoutRetries(store);
  // Each by itself: a user may have the right to only one of them.
  await tryTo('end unfinished uploads of earlier attempts', () =>
    once.abortUploads(prefix, (key) => claimOf(key) < claim),
  );
  await tryTo('remove unfinished checkpoints of earlier attempts', async () => {
    for (const [folder, keys] of await foldersOf(once, prefix)) {
      const isKept = listed.some((entry) => entry.prefix === folder) || keys.includes(`${folder}${MANIFEST}`);
      for (const key of keys) if (!isKept && claimOf(key) < claim) await once.delete(key);
    }
  });
}

async function tryTo(what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof GistError)) throw error;
    log.warn(`could not ${what}`, { error: error.name });
  }
}

/** Infinity for objects that no attempt has written. */
function claimOf(key: string): number {
  return Number(/\.claim(\d+)\.[^/]*$/.exec(key)?.[1] ?? Number.POSITIVE_INFINITY);
}

async function foldersOf(store: ObjectStore, prefix: string): Promise<Map<string, string[]>> {
  const folders = new Map<string, string[]>();
  for await (const { key } of store.list(prefix)) {
    const folder = key.slice(0, key.lastIndexOf('/') + 1);
    const keys = folders.get(folder) ?? [];
    keys.push(key);
    folders.set(folder, keys);
  }
  return folders;
}
