/** The directory of a zip archive, read with distrust: paths that escape, bombs, duplicates, links, encryption. */
import yauzl, { type Entry } from 'yauzl';
import { ArchiveError, GistError } from '../core/errors.js';
import { BlockReader, type RandomAccessFile } from './random-access.js';

/** Where one file lies in the archive. */
export interface ZipEntry {
  offset: number;
  compressedBytes: number;
  bytes: number;
  /** 0: stored, 8: deflated. */
  method: number;
  crc32: number;
}

export interface ArchiveLimits {
  /** Files and folders in one archive. */
  entries: number;
  /** Unpacked size of one file. */
  fileBytes: number;
  /** Unpacked size to packed size, of files and archives of which it matters (see {@link RATIO_FROM_BYTES}). */
  ratio: number;
}

export const ARCHIVE_LIMITS: ArchiveLimits = { entries: 5_000_000, fileBytes: 512 * 2 ** 20, ratio: 200 };

/** A blank picture packs 1000 to 1; from this unpacked size on, such a ratio is not that of pictures any more. */
const RATIO_FROM_BYTES = 64 * 2 ** 20;

/**
 * Every file of an archive by its name.
 *
 * @throws ArchiveError for an archive that is corrupt or hostile.
 */
export async function readZipDirectory(
  file: RandomAccessFile,
  where: string,
  limits: ArchiveLimits = ARCHIVE_LIMITS,
): Promise<Map<string, ZipEntry>> {
  const entries = new Map<string, ZipEntry>();
  try {
    const options = { lazyEntries: true, autoClose: false, decodeStrings: true };
    const zip = await yauzl.fromRandomAccessReaderPromise(new BlockReader(file), file.bytes, options);
    if (zip.entryCount > limits.entries)
      throw refuse(where, `has ${zip.entryCount} entries; at most ${limits.entries} are read`);
    let place = 0;
    for await (const entry of zip.eachEntry()) {
      const shown = `entry ${++place} of ${zip.entryCount}`;
      checkEntry(entry, shown, where, limits);
      if (entry.fileName.endsWith('/')) continue;
      if (entries.has(entry.fileName)) throw refuse(where, `holds a file twice (${shown})`);
      entries.set(entry.fileName, {
        offset: entry.relativeOffsetOfLocalHeader,
        compressedBytes: entry.compressedSize,
        bytes: entry.uncompressedSize,
        method: entry.compressionMethod,
        crc32: entry.crc32,
      });
    }
  } catch (error) {
    if (error instanceof GistError) throw error;
    throw refuse(where, describeYauzl(error), error);
  }
  checkWhole(entries, where, limits);
  return entries;
}

/** @param shown stands for the name of the entry, which may be that of a patient. */
function checkEntry(entry: Entry, shown: string, where: string, limits: ArchiveLimits): void {
  if (entry.isEncrypted()) throw refuse(where, `holds an encrypted file (${shown})`);
  // The upper half of the attributes is the Unix mode, where the archive was made on Unix.
  const isLink = ((entry.externalFileAttributes >>> 16) & 0o170000) === 0o120000;
  if (isLink) throw refuse(where, `holds a link (${shown})`);
  if (entry.compressionMethod !== 0 && entry.compressionMethod !== 8) {
    throw refuse(
      where,
      `holds a file in an unknown compression (${shown}, method ${entry.compressionMethod})`,
    );
  }
  if (entry.uncompressedSize > limits.fileBytes) {
    throw refuse(
      where,
      `holds a file of ${entry.uncompressedSize} bytes (${shown}); at most ${limits.fileBytes} are unpacked`,
    );
  }
  checkRatio(where, shown, entry.uncompressedSize, entry.compressedSize, limits);
}

/** What no single entry shows: a bomb of many small ones, or of entries that share the same packed bytes (Fifield 2019). */
function checkWhole(entries: Map<string, ZipEntry>, where: string, limits: ArchiveLimits): void {
  const sorted = [...entries.values()].sort((a, b) => a.offset - b.offset);
  let end = 0;
  let bytes = 0;
  let compressedBytes = 0;
  for (const entry of sorted) {
    if (entry.offset < end)
      throw refuse(where, 'has files that overlap each other, as archives made to do harm have');
    end = entry.offset + entry.compressedBytes;
    bytes += entry.bytes;
    compressedBytes += entry.compressedBytes;
  }
  checkRatio(where, 'everything in it', bytes, compressedBytes, limits);
}

function checkRatio(
  where: string,
  what: string,
  bytes: number,
  compressedBytes: number,
  limits: ArchiveLimits,
): void {
  if (bytes < RATIO_FROM_BYTES || bytes <= limits.ratio * compressedBytes) return;
  throw refuse(
    where,
    `would unpack ${what} from ${compressedBytes} to ${bytes} bytes, as archives made to do harm do`,
  );
}

function describeYauzl(error: unknown): string {
  const message = error instanceof Error ? error.message : '';
  if (/^(invalid relative path|absolute path|invalid characters in fileName): /.test(message))
    return 'holds a file whose path would leave its folder';
  if (/encryption/i.test(message)) return 'is encrypted';
  if (/not a zip file|truncated|unexpected EOF/i.test(message))
    return 'is not a .zip archive, or is cut short';
  return 'is a damaged .zip archive';
}

export function refuse(where: string, what: string, cause?: unknown): ArchiveError {
  return new ArchiveError({
    what,
    where,
    hint: '`unzip -lv` shows what is in it. Make the archive anew from the images, or give a folder.',
    cause,
  });
}
