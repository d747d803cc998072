/** Room in the cache of training sets: the least recently used ones go first. */
import { readdir, rm, stat, statfs, utimes } from 'node:fs/promises';
import path from 'node:path';
import { environment } from '../../core/environment.js';
import { log } from '../../core/log.js';
import { freeBytes, requireSpace } from '../../storage/disk-space.js';

/** A set that was used this recently stays: a training that starts may not have opened it yet. */
const IN_USE_MS = 60 * 60_000;

interface CachedSet {
  file: string;
  bytes: number;
  usedMs: number;
}

/** Notes that a cached set is used now. */
export async function markUsed(file: string): Promise<void> {
  const now = new Date();
  await utimes(file, now, now);
}

/**
 * Makes room for a new set: the cache stays within `GIST_CACHE_LIMIT`, and the disk has space. A
 * set that a training has open is still readable after it was removed.
 *
 * @param cacheFolder holds training sets only; it need not exist yet
 * @throws StoreUnavailableError when the disk is too full even so
 */
export async function makeRoom(cacheFolder: string, bytes: number, now = Date.now()): Promise<void> {
  const sets = (await cachedSets(cacheFolder)).sort((a, b) => a.usedMs - b.usedMs);
  const limit = await limitBytes(cacheFolder);
  let total = sets.reduce((sum, set) => sum + set.bytes, 0);
  for (const set of sets) {
    const free = (await freeBytes(cacheFolder)) ?? Number.POSITIVE_INFINITY;
    if (total + bytes <= limit && bytes <= free) break;
    if (now - set.usedMs < IN_USE_MS) break;
    await rm(set.file, { recursive: true, force: true });
    total -= set.bytes;
    log.info('a training set was removed from the cache', { set: path.basename(set.file) });
  }
  await requireSpace(cacheFolder, bytes, 'GIST_DATA_CACHE');
}

/**
 * By default half of the disk: it grows with the disk, and the other half is enough for the spool
 * of checkpoints and for other programs.
 */
async function limitBytes(cacheFolder: string): Promise<number> {
  const given = environment.cacheLimitBytes();
  if (given !== undefined) return given;
  const disk = await statfs(cacheFolder).catch(() => null);
  return disk && disk.blocks > 0 ? (disk.blocks * disk.bsize) / 2 : Number.POSITIVE_INFINITY;
}

async function cachedSets(cacheFolder: string): Promise<CachedSet[]> {
  const names = await readdir(cacheFolder).catch(() => []);
  const sets = names
    .filter((name) => !name.startsWith('gist-scratch-'))
    .map((name) => describe(path.join(cacheFolder, name)));
  return (await Promise.all(sets)).filter((set) => set !== null);
}

/** null when another process removes it meanwhile. */
async function describe(file: string): Promise<CachedSet | null> {
  try {
    const info = await stat(file);
    const inner = info.isDirectory() ? await readdir(file) : [];
    const sizes = await Promise.all(inner.map((name) => stat(path.join(file, name))));
    const bytes = info.isDirectory() ? sizes.reduce((sum, { size }) => sum + size, 0) : info.size;
    return { file, bytes, usedMs: info.mtimeMs };
  } catch {
    return null;
  }
}
