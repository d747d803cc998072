/**
 * Locks between processes: a folder of lock files. The process whose file is the only one holds it.
 */
import { mkdir, readdir, rm, rmdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from './file-errors.js';

export interface LockOptions {
  /**
   * Name of the lock file of this attempt. It must be unique among all attempts of all processes.
   */
  name: string;
  /** Whether the process that wrote a lock file has ended. */
  isAbandoned: (name: string, file: string) => Promise<boolean> | boolean;
  /**
   * Waits between two attempts, for a random time, so that two processes that withdrew from each
   * other do not collide again. Throws to give up.
   */
  wait: () => Promise<void>;
}

/**
 * Runs `work` while holding the lock. A process writes its lock file before it looks for others, so
 * of two concurrent processes at least one sees the other and withdraws. Abandoned lock files are
 * removed one by one: since names are unique, a process cannot remove the lock file of a live
 * holder by mistake, however old its listing of the folder is.
 */
export async function withLockFolder<T>(
  folder: string,
  options: LockOptions,
  work: () => Promise<T>,
): Promise<T> {
  const own = path.join(folder, options.name);
  try {
    while (!(await tryAcquire(folder, own, options))) await options.wait();
    return await work();
  } finally {
    await rm(own, { force: true });
    // Fails if other lock files are in the folder, or if it has been removed already.
    await rmdir(folder).catch(() => undefined);
  }
}

async function tryAcquire(folder: string, own: string, options: LockOptions): Promise<boolean> {
  if (await isHeld(folder, options)) return false;
  await mkdir(folder, { recursive: true });
  try {
    await writeFile(own, '');
  } catch (error) {
    // The previous holder has removed the empty folder since the mkdir.
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
  if (!(await isHeld(folder, options))) return true;
  await rm(own, { force: true });
  return false;
}

/** Whether the folder has a lock file of another live process. Removes abandoned lock files. */
async function isHeld(folder: string, { name, isAbandoned }: LockOptions): Promise<boolean> {
  for (const other of await lockFilesIn(folder)) {
    if (other === name) continue;
    const file = path.join(folder, other);
    if (!(await isAbandoned(other, file))) return true;
    await rm(file, { force: true, recursive: true });
  }
  return false;
}

async function lockFilesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}
