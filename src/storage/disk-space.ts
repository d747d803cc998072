/** Free space of local disks: checked before a large file is written. */
import { statfs } from 'node:fs/promises';
import path from 'node:path';
import { StoreUnavailableError } from '../core/errors.js';
import { classifyFileError, errorCode } from './file-errors.js';

/** Kept free, for logs and other programs of the machine. */
const RESERVE_BYTES = 16 * 2 ** 20;

/** @returns null where the system does not tell. */
export async function freeBytes(folder: string): Promise<number | null> {
  try {
    const { bavail, bsize, blocks } = await statfs(folder);
    return blocks === 0 ? null : bavail * bsize;
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw classifyFileError(error, folder);
    const parent = path.dirname(folder);
    return parent === folder ? null : freeBytes(parent);
  }
}

/**
 * Checks that a disk has room for that many bytes.
 *
 * @param folder on the disk; it need not exist yet
 * @param setting variable that chooses the folder, for the hint
 * @throws StoreUnavailableError: somebody may free space.
 */
export async function requireSpace(folder: string, bytes: number, setting: string): Promise<void> {
  const free = await freeBytes(folder);
  if (free === null || free >= bytes + RESERVE_BYTES) return;
  throw new StoreUnavailableError({
    what: `no space left on the disk: ${megabytes(bytes + RESERVE_BYTES)} are needed, ${megabytes(free)} are free`,
    where: folder,
    hint: `Free some space, and the run resumes on its own; or set ${setting} to a folder on another disk.`,
  });
}

export function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(bytes < 10 * 2 ** 20 ? 1 : 0)} MiB`;
}
