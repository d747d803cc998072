/** Images of a local folder and its subfolders. */
import { isUtf8 } from 'node:buffer';
import type { Stats } from 'node:fs';
import { open, opendir, readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { DatasetError, SourceMissingError, StoreUnavailableError } from '../../core/errors.js';
import { errorCode } from '../../storage/file-errors.js';
import { sha256, sha256OfFile } from '../../storage/digest.js';
import { HEAD_BYTES, isSystemName, SKIPPED } from './file-kinds.js';
import { Column } from './column.js';
import {
  type Checksums,
  FoundImages,
  type ImageSource,
  type ListOptions,
  MAX_FILE_BYTES,
  type SourceImage,
  tooLarge,
} from './image-source.js';
import { mapInOrder } from '../in-flight.js';
import { runTask, TASKS_IN_FLIGHT } from '../threads/image-pool.js';
import { inBatches } from '../threads/work-on-files.js';
import { SourceContents } from './source-contents.js';

/**
 * Up to this total size, images are identified by their content, so that a copy of a folder gives
 * the same data set. Larger folders are identified by size and modification time, since reading all
 * files twice would cost more than it saves.
 */
const HASHED_TOTAL_BYTES = 4 * 2 ** 30;
/**
 * A file that was changed so shortly before it was read may be changed again within the same time
 * stamp: its checksum is not kept.
 */
const RACY_MS = 2000;
const DIGEST_BYTES = 32;
/** Entries of a folder that are read from the system at once. */
const ENTRIES_AT_ONCE = 512;
/** Larger files are read in parts, or one at a time. */
const WHOLE_FILE_BYTES = 32 * 2 ** 20;

/**
 * A folder of images. Symbolic links within the folder are followed; cycles and links that leave it
 * are skipped and counted.
 */
export class FolderSource implements ImageSource {
  readonly uri: string;
  readonly #root: string;
  contents = new SourceContents();
  knownChecksums: Checksums | null = null;
  /** The images by size and time, and the digest of each; null when none was computed. */
  #digested: { images: Column<SourceImage>; digests: Buffer; before: number } | null = null;

  constructor(uri: string, root: string) {
    this.uri = uri;
    this.#root = root;
  }

  async list(options: ListOptions = {}): Promise<Column<SourceImage>> {
    const contents = new SourceContents();
    this.contents = contents;
    this.#digested = null;
    const root = await this.#realRoot();
    const found = new FoundImages(contents, options);
    let isEmpty = true;
    for await (const file of this.#walk(root, root, '', new Set())) {
      found.add(file);
      isEmpty = false;
    }
    if (isEmpty && contents.folders.size + contents.ignored === 0) throw emptyFolder(this.uri);
    const images = await found.sorted(this.uri, ({ name }) => this.#head(name));
    let total = 0;
    for (const { bytes } of images) total += bytes;
    if (total > HASHED_TOTAL_BYTES) return images;
    const digests = await this.#digestAll(images, options);
    return Column.map(images, (image, i) => ({ ...image, identity: `sha256:${digestAt(digests, i)}` }));
  }

  /** @returns the digests of all images, one after the other */
  async #digestAll(images: Column<SourceImage>, { onImage, signal }: ListOptions): Promise<Buffer> {
    const before = Date.now() - RACY_MS;
    const digests = Buffer.alloc(images.length * DIGEST_BYTES);
    const batches = inBatches(images, (image) => (this.#knownOf(image) ? 0 : image.bytes));
    const digest = (batch: SourceImage[]) => this.#digestsOf(batch);
    let done = 0;
    for await (const found of mapInOrder(batches, TASKS_IN_FLIGHT, digest, signal)) {
      for (const own of found) digests.write(own, DIGEST_BYTES * done++, 'hex');
      onImage?.(done);
    }
    this.#digested = { images, digests, before };
    return digests;
  }

  *checksums(): Generator<[string, string]> {
    if (!this.#digested) return;
    const { images, digests, before } = this.#digested;
    for (const [i, image] of images.entries())
      if (modifiedMs(image) < before) yield [versionOf(image), `sha256:${digestAt(digests, i)}`];
  }

  localPath({ name, bytes }: SourceImage): string | null {
    return bytes <= WHOLE_FILE_BYTES ? path.join(this.#root, ...name.split('/')) : null;
  }

  async #head(name: string): Promise<Uint8Array> {
    return this.#try(name, async () => {
      const handle = await open(path.join(this.#root, ...name.split('/')), 'r');
      try {
        const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
        return buffer.subarray(0, bytesRead);
      } finally {
        await handle.close();
      }
    });
  }

  /** SHA-256 in hexadecimal digits of each image: the known one, or that of its file. */
  async #digestsOf(images: readonly SourceImage[]): Promise<string[]> {
    const digests = images.map((image) => /^sha256:(.*)$/.exec(this.#knownOf(image) ?? '')?.[1]);
    const unknown = images.filter((_, i) => digests[i] === undefined);
    const paths = unknown.map((image) => this.localPath(image));
    const small = paths.filter((file) => file !== null);
    const hashed = small.length > 0 ? await runTask({ kind: 'hash', paths: small }) : [];
    const read: string[] = [];
    for (const [i, { name }] of unknown.entries()) {
      const digest = paths[i] === null ? 'unreadable' : hashed.shift();
      // Reading a file here says what is wrong with it.
      read.push(!digest || digest === 'unreadable' ? await this.#digest(name) : digest);
    }
    return digests.map((digest) => digest ?? (read.shift() as string));
  }

  #knownOf(image: SourceImage): string | undefined {
    return this.knownChecksums?.find(versionOf(image));
  }

  async read(name: string, options: { maxBytes?: number } = {}): Promise<Uint8Array> {
    const maxBytes = options.maxBytes ?? MAX_FILE_BYTES;
    const file = path.join(this.#root, ...name.split('/'));
    const handle = await this.#try(name, () => open(file, 'r'));
    try {
      const { size } = await this.#try(name, () => handle.stat());
      if (size > maxBytes) throw tooLarge(name, size, maxBytes);
      return await this.#try(name, () => handle.readFile());
    } finally {
      await handle.close();
    }
  }

  async #realRoot(): Promise<string> {
    const root = await this.#try('', () => realpath(this.#root));
    const info = await this.#try('', () => stat(root));
    if (!info.isDirectory()) {
      throw new DatasetError({
        what: 'is neither a folder nor a .zip',
        where: this.uri,
        hint: 'Give the folder of images, or an archive whose name ends in .zip.',
      });
    }
    return root;
  }

  async *#walk(
    root: string,
    folder: string,
    prefix: string,
    ancestors: Set<string>,
  ): AsyncGenerator<SourceImage> {
    const here = new Set(ancestors).add(folder);
    for await (const entries of this.#entries(folder, prefix)) {
      const looks = entries.map((entry) => this.#look(root, folder, prefix, entry));
      for (const found of await Promise.all(looks)) {
        if ('skipped' in found) this.contents.skip(found.skipped);
        else if (found.info.isFile()) yield imageOf(found.name, found.info);
        else if (!found.info.isDirectory()) this.contents.skip(SKIPPED.other, found.name);
        else if (here.has(found.target)) this.contents.skip(SKIPPED.cycle);
        else {
          this.contents.folders.add(found.name);
          yield* this.#walk(root, found.target, `${found.name}/`, here);
        }
      }
    }
  }

  /** The entries of a folder in parts: it may have a million. */
  async *#entries(folder: string, prefix: string): AsyncGenerator<RawEntry[]> {
    // The type of the option lacks what the function can.
    const options = { encoding: 'buffer' as BufferEncoding, bufferSize: ENTRIES_AT_ONCE };
    const opened = await this.#try(prefix, () => opendir(folder, options));
    try {
      for (let isDone = false; !isDone; ) {
        const entries: RawEntry[] = [];
        while (entries.length < ENTRIES_AT_ONCE && !isDone) {
          const entry = (await this.#try(prefix, () => opened.read())) as RawEntry | null;
          if (entry) entries.push(entry);
          else isDone = true;
        }
        yield entries;
      }
    } finally {
      await opened.close();
    }
  }

  /** What an entry is, or why it is skipped. */
  async #look(root: string, folder: string, prefix: string, entry: RawEntry): Promise<Looked> {
    // Bytes that are not UTF-8 would be replaced, and the file not found again.
    if (!isUtf8(entry.name)) return { skipped: SKIPPED.encoding };
    const base = entry.name.toString('utf8');
    const name = `${prefix}${base}`;
    if (isSystemName(base)) return { skipped: SKIPPED.system };
    const own = path.join(folder, base);
    const target = entry.isSymbolicLink() ? await this.#try(name, () => linkTarget(root, own)) : own;
    if (typeof target !== 'string') return target;
    return { name, target, info: await this.#try(name, () => stat(target)) };
  }

  async #digest(name: string): Promise<string> {
    return this.#try(
      name,
      async () => (await sha256OfFile(path.join(this.#root, ...name.split('/')))).sha256,
    );
  }

  async #try<T>(name: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      // A mount point whose disk is gone is an empty folder.
      const entries = name === '' ? [] : await readdir(this.#root).catch(() => []);
      throw classifyError(error, this.uri, entries.length > 0);
    }
  }
}

/** An empty folder is often a mount point whose disk is not there. */
function emptyFolder(where: string): SourceMissingError {
  return new SourceMissingError({
    what: 'is an empty folder',
    where,
    hint: 'If it is a mount point, its disk or network share is not mounted on this machine. Else put the images into it.',
  });
}

/** An entry of a folder, whose name may be no UTF-8. */
interface RawEntry {
  name: Buffer;
  isSymbolicLink(): boolean;
}

type Looked = { skipped: string } | { name: string; target: string; info: Stats };

function digestAt(digests: Buffer, i: number): string {
  return digests.toString('hex', DIGEST_BYTES * i, DIGEST_BYTES * (i + 1));
}

/** A hash of what tells a file from others, and from itself at another time. */
function versionOf({ name, identity }: SourceImage): string {
  return sha256(`${identity} ${name}`).slice(0, 32);
}

function modifiedMs({ identity }: SourceImage): number {
  return Number(identity.slice(identity.lastIndexOf('-') + 1));
}

function imageOf(name: string, { size, mtimeMs }: Stats): SourceImage {
  return { name, bytes: size, identity: `time:${size}-${Math.floor(mtimeMs)}` };
}

/** @returns the target of a link, or why it is not followed */
async function linkTarget(root: string, link: string): Promise<string | { skipped: string }> {
  const target = await realpath(link).catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES'].includes(errorCode(error) ?? '')) return null;
    throw error;
  });
  if (target === null) return { skipped: SKIPPED.broken };
  const isWithin = target === root || target.startsWith(root + path.sep);
  return isWithin ? target : { skipped: SKIPPED.outside };
}

/**
 * Maps a file system error. A file within the folder is not named: its name may contain a patient's
 * name, and errors are stored and displayed elsewhere.
 */
function classifyError(error: unknown, where: string, isWithin: boolean): unknown {
  const code = errorCode(error);
  switch (code) {
    case undefined:
      return error;
    case 'ENOENT':
      return isWithin
        ? new DatasetError({
            what: 'lost a file while it was read',
            where,
            hint: 'Do not change the folder while it is read.',
            cause: error,
          })
        : new SourceMissingError({
            what: 'does not exist on this machine',
            where,
            hint: 'Check the path of the folder of images, and that its disk is mounted.',
            cause: error,
          });
    case 'EACCES':
    case 'EPERM':
      return isWithin
        ? new DatasetError({
            what: 'contains a file or folder that this user cannot read',
            where,
            hint: 'Change the permissions; `find <folder> ! -readable` lists them.',
            cause: error,
          })
        : new SourceMissingError({
            what: 'cannot be read by this user',
            where,
            hint: 'Change the permissions of the folder.',
            cause: error,
          });
    case 'ENOTDIR':
    case 'ELOOP':
      return new DatasetError({
        what: 'is not a folder',
        where,
        hint: 'Give the folder of images.',
        cause: error,
      });
    default:
      return new StoreUnavailableError({
        what: `cannot be read (${code})`,
        where,
        hint: 'Check the disk or network share. The work then resumes automatically.',
        cause: error,
      });
  }
}
