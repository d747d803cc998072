/**
 * Reads the directory of an untrusted zip archive. Rejects path traversal, zip bombs, duplicates,
 * links and encryption.
 */
import yauzl, { type Entry } from 'yauzl';
import { ArchiveError, GistError } from '../core/errors.js';
import { BlockReader, type RandomAccessFile } from './random-access.js';

/** Location of one file in the archive. */
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
  /**
   * Unpacked size divided by packed size. Checked for files and archives of at least
   * {@link RATIO_FROM_BYTES}.
   */
  ratio: number;
}

export const ARCHIVE_LIMITS: ArchiveLimits = { entries: 5_000_000, fileBytes: 512 * 2 ** 20, ratio: 200 };

/**
 * Unpacked size from which the ratio is checked. A small blank image may compress 1000 to 1; a
 * large one does not.
 */
const RATIO_FROM_BYTES = 64 * 2 ** 20;

/**
 * Reads the entries of an archive, by file name.
 *
 * @throws ArchiveError for an archive that is corrupt or malicious.
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
      throw archiveError(where, `has ${zip.entryCount} entries; at most ${limits.entries} are read`);
    let position = 0;
    for await (const entry of zip.eachEntry()) {
      const label = `entry ${++position} of ${zip.entryCount}`;
      checkEntry(entry, label, where, limits);
      if (entry.fileName.endsWith('/')) continue;
      if (entries.has(entry.fileName)) throw archiveError(where, `contains a file twice (${label})`);
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
    throw archiveError(where, describeYauzl(error), error);
  }
  checkArchive(entries, where, limits);
  return entries;
}

const LOCAL_HEADER_BYTES = 30;
const LOCAL_HEADER_SIGNATURE = 0x04034b50;

/**
 * Reads the bytes of an entry as they are stored, without inflating them.
 *
 * @returns null when the local header is invalid or the file ends before the entry does
 */
export async function readPackedBytes(file: RandomAccessFile, entry: ZipEntry): Promise<Buffer | null> {
  const header = await file.read(entry.offset, LOCAL_HEADER_BYTES);
  if (header.length < LOCAL_HEADER_BYTES || header.readUInt32LE(0) !== LOCAL_HEADER_SIGNATURE) return null;
  // The lengths of name and extra field may differ from those in the directory.
  const start = entry.offset + LOCAL_HEADER_BYTES + header.readUInt16LE(26) + header.readUInt16LE(28);
  const packed = await file.read(start, entry.compressedBytes);
  return packed.length === entry.compressedBytes ? packed : null;
}

/** @param label used instead of the entry's name, which may contain a patient's name. */
function checkEntry(entry: Entry, label: string, where: string, limits: ArchiveLimits): void {
  if (entry.isEncrypted()) throw archiveError(where, `contains an encrypted file (${label})`);
  // The upper half of the attributes is the Unix mode, where the archive was made on Unix.
  const isLink = ((entry.externalFileAttributes >>> 16) & 0o170000) === 0o120000;
  if (isLink) throw archiveError(where, `contains a link (${label})`);
  if (entry.compressionMethod !== 0 && entry.compressionMethod !== 8) {
    throw archiveError(
      where,
      `contains a file in an unknown compression (${label}, method ${entry.compressionMethod})`,
    );
  }
  if (entry.uncompressedSize > limits.fileBytes) {
    throw archiveError(
      where,
      `contains a file of ${entry.uncompressedSize} bytes (${label}); at most ${limits.fileBytes} are unpacked`,
    );
  }
  const { uncompressedSize, compressedSize } = entry;
  checkRatio(where, label, { bytes: uncompressedSize, compressedBytes: compressedSize }, limits);
}

/**
 * Checks the archive as a whole: rejects bombs of many small entries, and of entries that share the
 * same packed bytes (Fifield 2019).
 */
function checkArchive(entries: Map<string, ZipEntry>, where: string, limits: ArchiveLimits): void {
  const sorted = [...entries.values()].sort((a, b) => a.offset - b.offset);
  let end = 0;
  let bytes = 0;
  let compressedBytes = 0;
  for (const entry of sorted) {
    if (entry.offset < end) throw archiveError(where, 'has overlapping files, as zip bombs have');
    end = entry.offset + entry.compressedBytes;
    bytes += entry.bytes;
    compressedBytes += entry.compressedBytes;
  }
  checkRatio(where, 'all files', { bytes, compressedBytes }, limits);
}

function checkRatio(
  where: string,
  what: string,
  { bytes, compressedBytes }: { bytes: number; compressedBytes: number },
  limits: ArchiveLimits,
): void {
  if (bytes < RATIO_FROM_BYTES || bytes <= limits.ratio * compressedBytes) return;
  throw archiveError(
    where,
    `would unpack ${what} from ${compressedBytes} to ${bytes} bytes, as zip bombs do`,
  );
}

function describeYauzl(error: unknown): string {
  const message = error instanceof Error ? error.message : '';
  if (/^(invalid relative path|absolute path|invalid characters in fileName): /.test(message))
    return 'contains a file whose path leaves the folder';
  if (/encryption/i.test(message)) return 'is encrypted';
  if (/not a zip file|truncated|unexpected EOF/i.test(message))
    return 'is not a .zip archive, or is truncated';
  return 'is a corrupt .zip archive';
}

export function archiveError(where: string, what: string, cause?: unknown): ArchiveError {
  return new ArchiveError({
    what,
    where,
    hint: '`unzip -lv` lists its content. Create the archive again from the images, or use a folder.',
    cause,
  });
}
