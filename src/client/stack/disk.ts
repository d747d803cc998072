/** Free space on the disk of a stack. */
import { statfsSync } from 'node:fs';

/** Servers write their databases and logs; below this they stop one after the other. */
const NEEDED_BYTES = 64e6;

/** What is wrong with the disk that a folder is on; null when it has room. */
export function diskProblem(folder: string): string | null {
  try {
    const { bavail, bsize } = statfsSync(folder);
    const free = bavail * bsize;
    if (free >= NEEDED_BYTES) return null;
    return `the disk of ${folder} is full: ${megabytes(free)} free, ${megabytes(NEEDED_BYTES)} needed`;
  } catch {
    return null;
  }
}

export function isFull(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT';
}

function megabytes(bytes: number): string {
  return `${Math.floor(bytes / 1e6)} MB`;
}
