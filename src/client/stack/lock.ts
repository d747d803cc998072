/** One command at a time changes a stack; a killed holder does not keep the lock. */
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, processIdSchema, thisProcess } from './processes.js';

/** A lock folder without a signature is given this long to get one. */
const SIGNING_MS = 2_000;

export async function withLock<T>(folder: string, work: () => Promise<T>): Promise<T> {
  mkdirSync(path.dirname(folder), { recursive: true });
  while (!take(folder)) await sleep(200);
  try {
    return await work();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function take(folder: string): boolean {
  try {
    mkdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    if (!isAbandoned(folder)) return false;
    // Renaming is atomic: of several waiters one removes the dead holder's lock, the others look again.
    const grave = `${folder}.${process.pid}`;
    try {
      renameSync(folder, grave);
      rmSync(grave, { recursive: true, force: true });
    } catch {
      return false;
    }
    return take(folder);
  }
  writeFileSync(path.join(folder, 'holder.json'), JSON.stringify(thisProcess()));
  return true;
}

function isAbandoned(folder: string): boolean {
  try {
    return !isAlive(
      processIdSchema.parse(JSON.parse(readFileSync(path.join(folder, 'holder.json'), 'utf8'))),
    );
  } catch {
    try {
      return Date.now() - statSync(folder).mtimeMs > SIGNING_MS;
    } catch {
      return false;
    }
  }
}
