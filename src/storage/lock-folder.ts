/** Locks between processes: a folder in which those who want to work put up marks, and whoever is alone may. */
import { mkdir, readdir, rm, rmdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from './file-errors.js';

export interface LockRules {
  /** Of the file that this attempt puts up; never used before or again, by anybody. */
  mark: string;
  /** Whether whoever put up a mark is gone for good. */
  isAbandoned: (mark: string, file: string) => Promise<boolean> | boolean;
  /** Between two looks, for a random time, so that two who withdraw from each other do not meet again; throws to give up. */
  wait: () => Promise<void>;
}

/**
 * Works while nobody else does. A mark goes up first and then the others are looked for, so of two at once at least one sees the
 * other and withdraws. The marks of the dead are removed one by one: as no name comes twice, nobody can remove the mark of a
 * living holder for that of a dead one, however long ago he looked.
 */
export async function withLockFolder<T>(
  folder: string,
  rules: LockRules,
  work: () => Promise<T>,
): Promise<T> {
  const own = path.join(folder, rules.mark);
  try {
    while (!(await enter(folder, own, rules))) await rules.wait();
    return await work();
  } finally {
    await rm(own, { force: true });
    // Others may be in it, or have removed it.
    await rmdir(folder).catch(() => undefined);
  }
}

async function enter(folder: string, own: string, rules: LockRules): Promise<boolean> {
  if (await isTaken(folder, rules)) return false;
  await mkdir(folder, { recursive: true });
  try {
    await writeFile(own, '');
  } catch (error) {
    // The last holder took the empty folder away in between.
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
  if (!(await isTaken(folder, rules))) return true;
  await rm(own, { force: true });
  return false;
}

/** Whether another living one is in it. */
async function isTaken(folder: string, { mark, isAbandoned }: LockRules): Promise<boolean> {
  for (const other of await marksIn(folder)) {
    if (other === mark) continue;
    const file = path.join(folder, other);
    if (!(await isAbandoned(other, file))) return true;
    await rm(file, { force: true, recursive: true });
  }
  return false;
}

async function marksIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}
