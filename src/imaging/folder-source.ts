/** Images of a local folder and its subfolders. */
import { open, readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { DatasetError, StoreUnavailableError } from '../core/errors.js';
import { errorCode } from '../storage/file-errors.js';
import { sha256OfFile } from '../storage/index.js';
import {
  type ImageSource,
  isImageName,
  MAX_FILE_BYTES,
  type SourceImage,
  sortedImages,
  tooLarge,
} from './image-source.js';
import { mapInOrder } from './in-flight.js';

/**
 * Up to this total size, images are identified by their content, so that a copy of a folder gives
 * the same data set. Larger folders are identified by size and modification time, since reading all
 * files twice would cost more than it saves.
 */
const HASHED_TOTAL_BYTES = 4 * 2 ** 30;
/** Number of files read concurrently: opening a small file takes longer than reading it. */
const CONCURRENT_FILES = 8;

/**
 * A folder of images. Symbolic links within the folder are followed; cycles and links that lead out
 * of it are ignored.
 */
export class FolderSource implements ImageSource {
  readonly uri: string;
  readonly #root: string;
  ignored = 0;

  constructor(uri: string, root: string) {
    this.uri = uri;
    this.#root = root;
  }

  async *list(): AsyncIterable<SourceImage> {
    this.ignored = 0;
    const root = await this.#realRoot();
    const found: SourceImage[] = [];
    for await (const image of this.#walk(root, root, '', new Set())) found.push(image);
    const images = sortedImages(this.uri, found, this.ignored);
    const hashed = images.reduce((sum, { bytes }) => sum + bytes, 0) <= HASHED_TOTAL_BYTES;
    yield* hashed ? mapInOrder(images, CONCURRENT_FILES, (image) => this.#withDigest(image)) : images;
  }

  async #withDigest(image: SourceImage): Promise<SourceImage> {
    return { ...image, identity: `sha256:${await this.#digest(image.name)}` };
  }

  async read(name: string, options: { maxBytes?: number } = {}): Promise<Uint8Array> {
    const maxBytes = options.maxBytes ?? MAX_FILE_BYTES;
    const file = path.join(this.#root, ...name.split('/'));
    const handle = await this.#try(name, () => open(file, 'r'));
    try {
      const { size } = await handle.stat();
      if (size > maxBytes) throw tooLarge(name, size, maxBytes);
      return await this.#try(name, () => handle.readFile());
    } finally {
      await handle.close();
    }
  }

  async #realRoot(): Promise<string> {
    const root = await this.#try('', () => realpath(this.#root));
    if (!(await stat(root)).isDirectory()) {
      throw new DatasetError({
        what: 'is neither a folder nor a .zip',
        where: this.uri,
        hint: 'Give the folder of images.',
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
    const entries = await this.#try(prefix, () => readdir(folder, { withFileTypes: true }));
    for (const entry of entries) {
      const name = `${prefix}${entry.name}`;
      const target = entry.isSymbolicLink()
        ? await linkTarget(root, path.join(folder, entry.name))
        : path.join(folder, entry.name);
      const info = target === null ? null : await this.#try(name, () => stat(target));
      if (target !== null && info?.isDirectory() && entry.name !== '__MACOSX') {
        if (!here.has(target)) yield* this.#walk(root, target, `${name}/`, here);
      } else if (info?.isFile() && isImageName(name)) {
        yield { name, bytes: info.size, identity: `time:${info.size}-${Math.floor(info.mtimeMs)}` };
      } else {
        this.ignored++;
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
      throw classifyError(error, this.uri, name !== '');
    }
  }
}

/** @returns the target of a link, or null when the link is broken or leads out of the folder */
async function linkTarget(root: string, link: string): Promise<string | null> {
  const target = await realpath(link).catch(() => null);
  return target === root || target?.startsWith(root + path.sep) ? target : null;
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
      return new DatasetError({
        what: isWithin ? 'lost a file while it was read' : 'does not exist',
        where,
        hint: isWithin
          ? 'Do not change the folder while it is read.'
          : 'Check the path of the folder of images.',
        cause: error,
      });
    case 'EACCES':
    case 'EPERM':
      return new DatasetError({
        what: isWithin
          ? 'contains a file or folder that this user cannot read'
          : 'cannot be read by this user',
        where,
        hint: 'Change the permissions; `find <folder> ! -readable` lists them.',
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
