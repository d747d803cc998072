/** Images of a local folder and its subfolders. */
import { isUtf8 } from 'node:buffer';
import type { Stats } from 'node:fs';
import { open, readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { DatasetError, SourceMissingError, StoreUnavailableError } from '../../core/errors.js';
import { errorCode } from '../../storage/file-errors.js';
import { sha256, sha256OfFile } from '../../storage/digest.js';
import { HEAD_BYTES, isSystemName, SKIPPED } from './file-kinds.js';
import { FoundImages, type ImageSource, MAX_FILE_BYTES, type SourceImage, tooLarge } from './image-source.js';
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
  checksums: ReadonlyMap<string, string> = new Map();

  constructor(uri: string, root: string) {
    this.uri = uri;
    this.#root = root;
  }

  async *list(): AsyncIterable<SourceImage> {
    const contents = new SourceContents();
    this.contents = contents;
    const root = await this.#realRoot();
    const found = new FoundImages(contents);
    let isEmpty = true;
    for await (const file of this.#walk(root, root, '', new Set())) {
      found.add(file);
      isEmpty = false;
    }
    if (isEmpty && contents.folders.size + contents.ignored === 0) throw emptyFolder(this.uri);
    const images = await found.sorted(this.uri, ({ name }) => this.#head(name));
    const hashed = images.reduce((sum, { bytes }) => sum + bytes, 0) <= HASHED_TOTAL_BYTES;
    if (!hashed) return yield* images;
    const known = this.checksums;
    const checksums = new Map<string, string>();
    const youngest = Date.now() - RACY_MS;
    const batches = inBatches(images, (image) => (known.has(versionOf(image)) ? 0 : image.bytes));
    const digest = async (batch: SourceImage[]) => ({
      batch,
      identified: await this.#withDigests(batch, known),
    });
    for await (const { batch, identified } of mapInOrder(batches, TASKS_IN_FLIGHT, digest)) {
      for (const [i, image] of batch.entries())
        if (modifiedMs(image) < youngest)
          checksums.set(versionOf(image), (identified[i] as SourceImage).identity);
      yield* identified;
    }
    this.checksums = checksums;
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

  async #withDigests(
    images: readonly SourceImage[],
    known: ReadonlyMap<string, string>,
  ): Promise<SourceImage[]> {
    const unknown = images.filter((image) => !known.has(versionOf(image)));
    const paths = unknown.map((image) => this.localPath(image));
    const small = paths.filter((file) => file !== null);
    const digests = small.length > 0 ? await runTask({ kind: 'hash', paths: small }) : [];
    const read = new Map<SourceImage, string>();
    for (const [i, image] of unknown.entries()) {
      const digest = paths[i] === null ? 'unreadable' : digests.shift();
      // Reading a file here says what is wrong with it.
      const found = !digest || digest === 'unreadable' ? await this.#digest(image.name) : digest;
      read.set(image, `sha256:${found}`);
    }
    return images.map((image) => ({
      ...image,
      identity: read.get(image) ?? (known.get(versionOf(image)) as string),
    }));
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
    const entries = await this.#try(prefix, () =>
      readdir(folder, { withFileTypes: true, encoding: 'buffer' }),
    );
    for (const entry of entries) {
      // Bytes that are not UTF-8 would be replaced, and the file not found again.
      if (!isUtf8(entry.name)) {
        this.contents.skip(SKIPPED.encoding);
        continue;
      }
      const base = entry.name.toString('utf8');
      const name = `${prefix}${base}`;
      if (isSystemName(base)) {
        this.contents.skip(SKIPPED.system);
        continue;
      }
      const target = entry.isSymbolicLink()
        ? await this.#try(name, () => linkTarget(root, path.join(folder, base)))
        : path.join(folder, base);
      if (typeof target !== 'string') {
        this.contents.skip(target.skipped);
        continue;
      }
      const info = await this.#try(name, () => stat(target));
      if (info.isFile()) yield imageOf(name, info);
      else if (!info.isDirectory()) this.contents.skip(SKIPPED.other, name);
      else if (here.has(target)) this.contents.skip(SKIPPED.cycle);
      else {
        this.contents.folders.add(name);
        yield* this.#walk(root, target, `${name}/`, here);
      }
    }
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
