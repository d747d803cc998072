/** Downloads objects to local files and verifies their checksums. */
import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { GistError, StoreError } from '../core/errors.js';
import { DigestingStream, sha256OfFile } from './digest.js';
import { classifyFileError } from './file-errors.js';
import type { ObjectStore } from './object-store.js';

/**
 * Downloads an object to `file`. A file with the expected digest is kept, any other is replaced.
 * The file is replaced atomically, so several processes may share a cache folder.
 *
 * @param expected length and digest from the manifest entry of the object, and a signal to abort.
 * @throws StoreError if the object is missing or does not match.
 */
export async function downloadVerified(
  store: ObjectStore,
  key: string,
  file: string,
  { signal, ...expected }: { bytes: number; sha256: string; signal?: AbortSignal },
): Promise<void> {
  if (await isCopy(file, expected)) return;
  const temporary = `${file}.${process.pid}-${randomBytes(6).toString('hex')}.tmp`;
  const digesting = new DigestingStream();
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await pipeline(await store.getStream(key), digesting, createWriteStream(temporary), { signal });
    if (digesting.bytes !== expected.bytes || digesting.sha256() !== expected.sha256) throw mismatch(key);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    if (error instanceof GistError || signal?.aborted) throw error;
    throw classifyFileError(error, path.basename(file));
  }
}

async function isCopy(file: string, expected: { bytes: number; sha256: string }): Promise<boolean> {
  const found = await stat(file).catch(() => null);
  if (!found?.isFile() || found.size !== expected.bytes) return false;
  return (await sha256OfFile(file)).sha256 === expected.sha256;
}

function mismatch(key: string): StoreError {
  return new StoreError({
    what: 'does not match the checksum in its manifest',
    where: key,
    hint: 'It was corrupted after it was written; create it again.',
  });
}
