/** Images in a .zip archive, read one at a time without unpacking the archive. */
import { promisify } from 'node:util';
import { constants, inflateRaw, type ZlibOptions } from 'node:zlib';
import { ImageError } from '../../core/errors.js';
import { crc32 } from '../dataset/crc32.js';
import { HEAD_BYTES, isSystemName, kindOfBytes, kindOfName } from './file-kinds.js';
import type { Column } from './column.js';
import {
  FoundImages,
  type ImageSource,
  type ListOptions,
  MAX_FILE_BYTES,
  type SourceImage,
  tooLarge,
} from './image-source.js';
import { type FileLocation, openRandomAccess, type RandomAccessFile } from './random-access.js';
import { SourceContents } from './source-contents.js';
import {
  archiveError,
  readPackedBytes,
  readZipDirectory,
  type ZipDirectory,
  type ZipEntry,
} from './zip-directory.js';

interface OpenZip extends ZipDirectory {
  file: RandomAccessFile;
}

const inflate = promisify<Buffer, ZlibOptions, Buffer>(inflateRaw);

/**
 * Larger files are unpacked only if they begin as an image does: a bomb of zeros then costs no
 * memory.
 */
const SNIFFED_FROM_BYTES = 16 * 2 ** 20;

export class ZipSource implements ImageSource {
  readonly uri: string;
  readonly #location: FileLocation;
  contents = new SourceContents();

  constructor(uri: string, location: FileLocation) {
    this.uri = uri;
    this.#location = location;
  }

  async list(options: ListOptions = {}): Promise<Column<SourceImage>> {
    const contents = new SourceContents();
    this.contents = contents;
    const { file, entries, folders, skipped } = await openZip(this.uri, this.#location);
    for (const [reason, count] of Object.entries(skipped))
      for (let i = 0; i < count; i++) contents.skip(reason);
    for (const name of folders) if (!name.split('/').some(isSystemName)) contents.addFolders(name);
    const found = new FoundImages(contents, options);
    for (const [name, { bytes, crc32: checksum }] of entries) {
      found.add({ name, bytes, identity: `crc32:${checksum.toString(16).padStart(8, '0')}-${bytes}` });
      if (!name.split('/').some(isSystemName)) contents.addFolders(name);
    }
    const readHead = ({ name }: SourceImage) => this.#head(file, entries.get(name) as ZipEntry);
    return found.sorted(this.uri, readHead);
  }

  /** The first bytes of a file, without unpacking the rest; empty when they are corrupt. */
  async #head(file: RandomAccessFile, entry: ZipEntry): Promise<Uint8Array> {
    const packed = await readPackedBytes(file, entry, HEAD_BYTES);
    if (!packed || entry.method === 0) return packed ?? new Uint8Array();
    // The input ends early: what could be unpacked until then is enough. Deflate's blocks give
    // at most 1032 bytes for each byte.
    const options = { finishFlush: constants.Z_SYNC_FLUSH };
    return inflate(packed, options).catch(() => new Uint8Array());
  }

  async read(name: string, options: { maxBytes?: number } = {}): Promise<Uint8Array> {
    const maxBytes = options.maxBytes ?? MAX_FILE_BYTES;
    const { file, entries } = await openZip(this.uri, this.#location);
    const entry = entries.get(name);
    if (!entry) throw new ImageError({ what: 'is no longer in the archive', where: name });
    if (entry.bytes > maxBytes) throw tooLarge(name, entry.bytes, maxBytes);
    if (
      entry.bytes > SNIFFED_FROM_BYTES &&
      kindOfName(name) !== 'table' &&
      kindOfBytes(await this.#head(file, entry)) !== 'image'
    )
      throw new ImageError({ what: 'is not an image', where: name });
    const packed = await readPackedBytes(file, entry);
    if (!packed) throw corruptImage(name);
    const bytes = await this.#unpack(name, entry, packed);
    if (bytes.length !== entry.bytes || crc32(bytes) !== entry.crc32) throw corruptImage(name);
    return bytes;
  }

  async #unpack(name: string, entry: ZipEntry, packed: Buffer): Promise<Buffer> {
    if (entry.method === 0) return packed;
    try {
      // Unpacks at most the declared size, whatever the stream contains.
      return await inflate(packed, { maxOutputLength: Math.max(1, entry.bytes) });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_BUFFER_TOO_LARGE') throw corruptImage(name);
      throw archiveError(
        this.uri,
        `contains a file that unpacks to more than its declared ${entry.bytes} bytes`,
        error,
      );
    }
  }
}

function corruptImage(name: string): ImageError {
  return new ImageError({ what: 'is corrupt within its archive', where: name });
}

/**
 * Number of cached archive directories. Every shard of a data set reads the same directory, and
 * reading a large one takes seconds.
 */
const CACHED_DIRECTORIES = 2;
const directories = new Map<string, Promise<ZipDirectory>>();

async function openZip(uri: string, location: FileLocation): Promise<OpenZip> {
  const file = await openRandomAccess(location, uri);
  const cacheKey = `${uri}\0${file.version}`;
  const directory = directories.get(cacheKey) ?? readZipDirectory(file, uri);
  directories.delete(cacheKey);
  directories.set(cacheKey, directory);
  for (const oldest of directories.keys()) {
    if (directories.size <= CACHED_DIRECTORIES) break;
    directories.delete(oldest);
  }
  try {
    return { file, ...(await directory) };
  } catch (error) {
    directories.delete(cacheKey);
    throw error;
  }
}
