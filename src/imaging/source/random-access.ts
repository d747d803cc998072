/** Random access to a file on the local disk or in an object store. */
import { open, stat } from 'node:fs/promises';
import yauzl from 'yauzl';
import { DatasetError, SourceMissingError, StoreUnavailableError } from '../../core/errors.js';
import { errorCode } from '../../storage/file-errors.js';
import type { ObjectStore } from '../../storage/index.js';

/** A file whose bytes can be read at any offset. */
export interface RandomAccessFile {
  /** Changes when the content does; part of cache keys. */
  readonly version: string;
  readonly bytes: number;
  /** Exactly `length` bytes from `start`, or fewer at the end of the file. */
  read(start: number, length: number): Promise<Buffer>;
}

/** Location of an archive: a local path, or a key of a store. */
export type FileLocation = string | { store: ObjectStore; key: string };

const ABSENT = { what: 'does not exist', hint: 'Check the path of the archive of images.' };

/**
 * @throws SourceMissingError or DatasetError when there is no such file; errors of the store
 *   unchanged.
 */
export async function openRandomAccess(location: FileLocation, where: string): Promise<RandomAccessFile> {
  const file = typeof location === 'string' ? await localFile(location, where) : await storedFile(location);
  if (file) return file;
  const parts = { ...ABSENT, where };
  // Every worker sees the same bucket, but not the same disks.
  throw typeof location === 'string' ? new SourceMissingError(parts) : new DatasetError(parts);
}

async function localFile(file: string, where: string): Promise<RandomAccessFile | null> {
  const info = await stat(file).catch((error: unknown) => {
    if (isAbsent(error)) return null;
    throw classifyError(error, where);
  });
  if (info && !info.isFile())
    throw new DatasetError({ what: 'is not a file', where, hint: 'Rename folders that end in .zip.' });
  // The file is opened for every read: that is faster than decoding an image, and the caller does
  // not have to close it.
  const read = async (start: number, length: number) => {
    try {
      const handle = await open(file, 'r');
      try {
        const buffer = Buffer.alloc(length);
        const { bytesRead } = await handle.read(buffer, 0, length, start);
        return buffer.subarray(0, bytesRead);
      } finally {
        await handle.close();
      }
    } catch (error) {
      throw classifyError(error, where);
    }
  };
  return info && { version: `${info.size}-${info.mtimeMs}`, bytes: info.size, read };
}

function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '');
}

function classifyError(error: unknown, where: string): unknown {
  const code = errorCode(error);
  if (code === undefined) return error;
  if (isAbsent(error)) return new SourceMissingError({ ...ABSENT, where, cause: error });
  if (code === 'EACCES' || code === 'EPERM')
    return new SourceMissingError({
      what: 'cannot be read by this user',
      where,
      hint: 'Change its permissions.',
      cause: error,
    });
  return new StoreUnavailableError({
    what: `cannot be read (${code})`,
    where,
    hint: 'Check the disk or network share. The work then resumes automatically.',
    cause: error,
  });
}

async function storedFile({
  store,
  key,
}: {
  store: ObjectStore;
  key: string;
}): Promise<RandomAccessFile | null> {
  const info = await store.head(key);
  const read = async (start: number, length: number) => {
    const last = Math.min(start + length, info?.bytes ?? 0) - 1;
    return last < start ? Buffer.alloc(0) : Buffer.from(await store.get(key, { first: start, last }));
  };
  return info && { version: info.etag, bytes: info.bytes, read };
}

/** Block size for reading an archive's directory, whose records have about a hundred bytes. */
const BLOCK_BYTES = 1 << 20;

/**
 * Lets yauzl read an archive's directory in large blocks, so that a remote store does not get one
 * request per record.
 */
export class BlockReader extends yauzl.RandomAccessReader {
  readonly #file: RandomAccessFile;
  #start = 0;
  #block: Buffer = Buffer.alloc(0);

  constructor(file: RandomAccessFile) {
    super();
    this.#file = file;
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null, bytesRead?: number) => void,
  ): void {
    this.#fill(position, length).then(
      () =>
        callback(
          null,
          this.#block.copy(buffer, offset, position - this.#start, position - this.#start + length),
        ),
      (error: Error) => callback(error),
    );
  }

  async #fill(position: number, length: number): Promise<void> {
    if (position >= this.#start && position + length <= this.#start + this.#block.length) return;
    this.#block = await this.#file.read(position, Math.max(length, BLOCK_BYTES));
    this.#start = position;
  }
}
