/** Images in a .zip archive, read one at a time without unpacking the archive. */
import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';
import { ImageError } from '../core/errors.js';
import { crc32 } from './crc32.js';
import {
  type ImageSource,
  isImageName,
  MAX_FILE_BYTES,
  type SourceImage,
  sortedImages,
  tooLarge,
} from './image-source.js';
import { type FileLocation, openRandomAccess, type RandomAccessFile } from './random-access.js';
import { archiveError, readPackedBytes, readZipDirectory, type ZipEntry } from './zip-directory.js';

interface OpenZip {
  file: RandomAccessFile;
  entries: Map<string, ZipEntry>;
}

const inflate = promisify<Buffer, { maxOutputLength: number }, Buffer>(inflateRaw);

export class ZipSource implements ImageSource {
  readonly uri: string;
  readonly #location: FileLocation;
  ignored = 0;

  constructor(uri: string, location: FileLocation) {
    this.uri = uri;
    this.#location = location;
  }

  async *list(): AsyncIterable<SourceImage> {
    this.ignored = 0;
    const { entries } = await openZip(this.uri, this.#location);
    const found: SourceImage[] = [];
    for (const [name, { bytes, crc32: checksum }] of entries) {
      if (isImageName(name))
        found.push({ name, bytes, identity: `crc32:${checksum.toString(16).padStart(8, '0')}-${bytes}` });
      else this.ignored++;
    }
    yield* sortedImages(this.uri, found, this.ignored);
  }

  async read(name: string, options: { maxBytes?: number } = {}): Promise<Uint8Array> {
    const maxBytes = options.maxBytes ?? MAX_FILE_BYTES;
    const { file, entries } = await openZip(this.uri, this.#location);
    const entry = entries.get(name);
    if (!entry) throw new ImageError({ what: 'is no longer in the archive', where: name });
    if (entry.bytes > maxBytes) throw tooLarge(name, entry.bytes, maxBytes);
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
const directories = new Map<string, Promise<Map<string, ZipEntry>>>();

async function openZip(uri: string, location: FileLocation): Promise<OpenZip> {
  const file = await openRandomAccess(location, uri);
  const cacheKey = `${uri}\0${file.version}`;
  const entries = directories.get(cacheKey) ?? readZipDirectory(file, uri);
  directories.delete(cacheKey);
  directories.set(cacheKey, entries);
  for (const oldest of directories.keys()) {
    if (directories.size <= CACHED_DIRECTORIES) break;
    directories.delete(oldest);
  }
  try {
    return { file, entries: await entries };
  } catch (error) {
    directories.delete(cacheKey);
    throw error;
  }
}
