/** Scratch folders: each for one piece of work, and swept later if whoever made it was killed before removing it. */
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

const NAME = /^gist-scratch-(\d+)-/;
/** Younger leftovers stay: on shared disks, a process that cannot be seen from here may be at work. */
const LEFTOVER_MS = 24 * 60 * 60 * 1000;

let isSwept = false;

/**
 * A new, empty folder that only this user can read, in the folder for temporary files. Its maker removes it.
 *
 * @param kind what it is for, as part of its name.
 */
export async function makeScratchFolder(kind: string): Promise<string> {
  if (!isSwept) {
    isSwept = true;
    await sweepScratch();
  }
  return mkdtemp(path.join(tmpdir(), `gist-scratch-${process.pid}-${kind}-`));
}

/** Removes what processes that are gone left behind, a day ago or earlier; once a process does so by itself. */
export async function sweepScratch(now = Date.now()): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = Number(NAME.exec(name)?.[1]);
    if (!pid || isAlive(pid)) continue;
    const folder = path.join(tmpdir(), name);
    // Another process may sweep at the same time, and folders of other users are theirs.
    const changed = await stat(folder).then(
      ({ mtimeMs }) => mtimeMs,
      () => now,
    );
    if (now - changed >= LEFTOVER_MS)
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
