/**
 * Scratch folders: each for one piece of work, and removed later if its process was killed before.
 */
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SetupError, StoreUnavailableError } from './errors.js';

const NAME = /^gist-scratch-(\d+)-/;
/**
 * Newer folders are kept: on a shared disk, a process of another machine may still use them.
 */
const ABANDONED_MS = 24 * 60 * 60 * 1000;

const swept = new Set<string>();

/**
 * A new, empty folder that only this user can read. The caller removes it.
 *
 * @param kind what it is for, as part of its name.
 * @param parent its parent folder; files that are later renamed need one on the same disk. Default:
 *   the folder for temporary files.
 * @throws StoreUnavailableError on a full disk; SetupError when no folder can be made there
 */
export async function makeScratchFolder(kind: string, parent = tmpdir()): Promise<string> {
  try {
    if (!swept.has(parent)) {
      await sweepScratch(parent);
      swept.add(parent);
    }
    return await mkdtemp(path.join(parent, `gist-scratch-${process.pid}-${kind}-`));
  } catch (error) {
    throw unusableScratch(error, parent);
  }
}

const REASONS: Record<string, string> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'is not a folder',
  EACCES: 'cannot be written by this user',
  EPERM: 'cannot be written by this user',
  EROFS: 'is on a disk that is mounted read-only',
  ENOSPC: 'is on a full disk',
  EDQUOT: 'is on a disk whose quota is used up',
};
/** Somebody may free space: that ends the failure on this machine. */
const FULL = ['ENOSPC', 'EDQUOT'];

/** The error of a folder in which nothing can be written; other errors are returned unchanged. */
export function unusableScratch(error: unknown, folder: string): unknown {
  const { code = '' } = error as NodeJS.ErrnoException;
  const reason = REASONS[code];
  if (!reason) return error;
  const isTemporary = folder.startsWith(tmpdir());
  const Class = FULL.includes(code) ? StoreUnavailableError : SetupError;
  return new Class({
    what: `the folder for ${isTemporary ? 'temporary files' : 'cached data'} ${reason}`,
    where: folder,
    hint: `Set ${isTemporary ? 'TMPDIR' : 'GIST_DATA_CACHE'} to a folder that this user can write, on a disk with free space.`,
    cause: error,
  });
}

/**
 * Removes what processes that are gone left behind, a day ago or earlier; once a process does so by
 * itself.
 */
export async function sweepScratch(parent = tmpdir(), now = Date.now()): Promise<void> {
  for (const name of await readdir(parent)) {
    const pid = Number(NAME.exec(name)?.[1]);
    if (!pid || isAlive(pid)) continue;
    const folder = path.join(parent, name);
    // Another process may sweep at the same time, and folders of other users are theirs.
    const changed = await stat(folder).then(
      ({ mtimeMs }) => mtimeMs,
      () => now,
    );
    if (now - changed >= ABANDONED_MS)
      await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
