/** The object store on a local folder. */
import { randomBytes } from 'node:crypto';
import { type BigIntStats, createReadStream } from 'node:fs';
import { link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { GistError, PreconditionFailedError, StoreError, StoreUnavailableError } from '../core/errors.js';
import { classifyFileError, errorCode } from './file-errors.js';
import { freeBytes, formatSize } from './disk-space.js';
import { withLockFolder } from './lock-folder.js';
import { checkServed, forgetServed, noteServed } from './served-folders.js';
import type { ByteRange, ObjectInfo, ObjectStore, PutBody, PutOptions } from './object-store.js';
import { checkKey, compareKeys, formatUri } from './uri.js';

/**
 * Prefix of the names of temporary files and locks. They are never listed, and no part of a key may
 * start with it.
 */
const RESERVED_PREFIX = '.gist-';
/** A lock older than this was left by a killed process: a holder only compares and renames. */
const STALE_LOCK_MS = 30_000;
/** A temporary file that nobody has written to for this long was left by a killed process. */
const ABANDONED_MS = 60 * 60_000;
/** With the random wait between polls, this takes longer than a lock needs to become stale. */
const MAX_LOCK_POLLS = 4_000;

/**
 * Stores objects as files under a folder. A put writes a temporary file, flushes it to the disk and
 * renames it, so a crash leaves either the old or the new object. `ifAbsent` uses a hard link,
 * which is atomic. `ifMatch` compares under a lock: the lock excludes other `ifMatch` puts, but not
 * unconditional ones; of these the last writer wins.
 */
export class FileStore implements ObjectStore {
  readonly uri: string;
  readonly #root: string;

  /**
   * @param options.isRemovable whether its owner removes the folder with the last object; any other
   *   folder that held objects and is gone counts as a disk that is not mounted
   */
  constructor(
    root: string,
    private readonly options: { isRemovable?: boolean } = {},
  ) {
    this.#root = path.resolve(root);
    this.uri = formatUri({ scheme: 'file', path: this.#root });
  }

  async get(key: string, range?: ByteRange): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of await this.getStream(key, range)) chunks.push(chunk as Uint8Array);
    return Buffer.concat(chunks);
  }

  async getStream(key: string, range?: ByteRange): Promise<Readable> {
    const file = this.#path(key);
    const handle = await this.#try(key, () => open(file, 'r'));
    this.#noteServed();
    const info = await this.#try(key, () => handle.stat());
    if (!info.isFile() || (range && range.first >= info.size)) {
      await handle.close();
      const what = info.isFile() ? `has no byte ${range?.first}` : 'is a folder, not an object';
      throw new StoreError({ what, where: key });
    }
    const stream = handle.createReadStream({
      start: range?.first ?? 0,
      end: range?.last ?? Number.POSITIVE_INFINITY,
    });
    return classifiedStream(stream, key);
  }

  async put(key: string, body: PutBody, options: PutOptions = {}): Promise<ObjectInfo> {
    const file = this.#path(key);
    return this.#try(key, async () => {
      await checkServed(this.#root);
      await mkdir(path.dirname(file), { recursive: true });
      const temporary = this.#beside(file, 'tmp');
      let written: ObjectInfo;
      try {
        await writeFlushed(temporary, body);
        // Read before publishing: afterwards the file may already be the object of another writer.
        written = infoFrom(await stat(temporary, { bigint: true }), key);
        await publish(temporary, file, key, options);
      } catch (error) {
        throw ['ENOSPC', 'EDQUOT'].includes(errorCode(error) ?? '')
          ? await this.#fullDisk(key, body, error)
          : error;
      } finally {
        await rm(temporary, { force: true });
      }
      await flushFolder(path.dirname(file));
      this.#noteServed();
      return written;
    });
  }

  async head(key: string): Promise<ObjectInfo | null> {
    const info = await infoOf(this.#path(key), key);
    if (!info) await this.#try(key, () => checkServed(this.#root));
    return info;
  }

  async *list(prefix: string, options: { startAfter?: string } = {}): AsyncIterable<ObjectInfo> {
    // The walk starts at the deepest folder that the prefix contains in full.
    const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    if (folder !== '') checkKey(folder.slice(0, -1));
    await this.#try(prefix, () => checkServed(this.#root));
    const { startAfter } = options;
    for await (const key of this.#walk(folder, prefix, startAfter)) {
      const info = await infoOf(path.join(this.#root, key), key);
      if (info) yield info;
    }
  }

  async delete(key: string): Promise<void> {
    const file = this.#path(key);
    await this.#try(key, () => rm(file, { force: true }));
    // Folders below the root stay: only an object directly in it may have been all that it held.
    if (!key.includes('/')) forgetServed(this.#root);
  }

  #noteServed(): void {
    if (!this.options.isRemovable) noteServed(this.#root);
  }

  /** A temporary file has no key, so its age decides. */
  async abortUploads(prefix: string): Promise<void> {
    const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    await this.#try(prefix, async () => {
      for (const name of await namesBelow(path.join(this.#root, folder))) {
        const isTemporary = path.basename(name).startsWith(`${RESERVED_PREFIX}tmp-`);
        const file = path.join(this.#root, folder, name);
        if (isTemporary && `${folder}${name}`.startsWith(prefix) && (await isOlder(file, ABANDONED_MS)))
          await rm(file, { force: true });
      }
    });
  }

  /**
   * Keys below a folder in ascending order. Memory holds the names of one folder for each level.
   */
  async *#walk(folder: string, prefix: string, startAfter: string | undefined): AsyncGenerator<string> {
    const entries = await this.#try(folder, () => readFolder(path.join(this.#root, folder)));
    // A folder sorts as its name followed by a slash, as its keys do.
    const names = entries
      .filter((entry) => !entry.name.startsWith(RESERVED_PREFIX))
      .map((entry) => (entry.isDirectory() ? `${folder}${entry.name}/` : `${folder}${entry.name}`))
      .sort(compareKeys);
    for (const name of names) {
      const within = name.endsWith('/') && (name.startsWith(prefix) || prefix.startsWith(name));
      if (within) yield* this.#walk(name, prefix, startAfter);
      else if (name.endsWith('/') || !name.startsWith(prefix)) continue;
      else if (startAfter === undefined || compareKeys(name, startAfter) > 0) yield name;
    }
  }

  #path(key: string): string {
    checkKey(key);
    if (key.split('/').some((part) => part.startsWith(RESERVED_PREFIX))) {
      throw new StoreError({
        what: `has a part that starts with "${RESERVED_PREFIX}", which is reserved for the store`,
        where: key,
      });
    }
    return path.join(this.#root, ...key.split('/'));
  }

  async #fullDisk(key: string, body: PutBody, cause: unknown): Promise<StoreUnavailableError> {
    const needed = body instanceof Uint8Array ? `${formatSize(body.byteLength)} are needed, ` : '';
    const free = (await freeBytes(this.#root).catch(() => null)) ?? 0;
    return new StoreUnavailableError({
      what: `no space left on the disk of ${this.#root}: ${needed}${formatSize(free)} are free`,
      where: key,
      hint: 'Free some space there; the run resumes on its own.',
      cause,
    });
  }

  #beside(file: string, kind: string): string {
    return path.join(
      path.dirname(file),
      `${RESERVED_PREFIX}${kind}-${process.pid}-${randomBytes(8).toString('hex')}`,
    );
  }

  async #try<T>(where: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (errorCode(error) === 'ENOENT') await checkServed(this.#root);
      throw classifyFileError(error, where);
    }
  }
}

async function infoOf(file: string, key: string): Promise<ObjectInfo | null> {
  try {
    const info = await stat(file, { bigint: true });
    return info.isFile() ? infoFrom(info, key) : null;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return null;
    throw classifyFileError(error, key);
  }
}

/**
 * Every put creates a new file, so the inode, time or size changes with the content. Renaming and
 * linking keep them.
 */
function infoFrom({ ino, mtimeNs, size, mtimeMs }: BigIntStats, key: string): ObjectInfo {
  const etag = `${ino.toString(36)}-${mtimeNs.toString(36)}-${size.toString(36)}`;
  return { key, bytes: Number(size), etag, modifiedMs: Number(mtimeMs) };
}

async function namesBelow(folder: string): Promise<string[]> {
  try {
    return await readdir(folder, { recursive: true });
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

async function readFolder(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return [];
    throw error;
  }
}

async function writeFlushed(file: string, body: PutBody): Promise<void> {
  const handle = await open(file, 'wx');
  try {
    if (body instanceof Uint8Array) await handle.writeFile(body);
    else {
      const source =
        body instanceof Readable ? body : createReadStream(body.file, { highWaterMark: 1 << 20 });
      for await (const chunk of source) await handle.writeFile(chunk as Uint8Array);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Moves the temporary file to its final path if the conditions of the put hold. */
async function publish(temporary: string, file: string, key: string, options: PutOptions): Promise<void> {
  if (options.ifAbsent) return linkNew(temporary, file, key);
  if (options.ifMatch === undefined) return rename(temporary, file);
  await withLock(file, key, async () => {
    if ((await infoOf(file, key))?.etag !== options.ifMatch) throw changedError(key);
    await rename(temporary, file);
  });
}

async function linkNew(temporary: string, file: string, key: string): Promise<void> {
  try {
    await link(temporary, file);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    throw new PreconditionFailedError({ what: 'already exists', where: key });
  }
}

function changedError(key: string): PreconditionFailedError {
  return new PreconditionFailedError({ what: 'has been changed by another writer', where: key });
}

function withLock(file: string, key: string, work: () => Promise<void>): Promise<void> {
  const folder = path.join(path.dirname(file), `${RESERVED_PREFIX}locks-${path.basename(file)}`);
  let polls = 0;
  const wait = async () => {
    if (++polls > MAX_LOCK_POLLS)
      throw new StoreUnavailableError({ what: 'is locked by another process', where: key });
    await sleep(5 + Math.random() * 10);
  };
  const isAbandoned = (_name: string, lock: string) => isOlder(lock, STALE_LOCK_MS);
  return withLockFolder(folder, { name: randomBytes(12).toString('hex'), isAbandoned, wait }, work);
}

async function isOlder(file: string, ms: number): Promise<boolean> {
  const found = await stat(file).catch(() => null);
  return found === null || Date.now() - found.mtimeMs > ms;
}

/** Flushes a rename to the disk. Ignores the error of file systems that cannot flush folders. */
async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => null);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

function classifiedStream(stream: Readable, key: string): Readable {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of stream) yield chunk as Uint8Array;
    } catch (error) {
      throw error instanceof GistError ? error : classifyFileError(error, key);
    }
  }
  return Readable.from(chunks(), { objectMode: false });
}
