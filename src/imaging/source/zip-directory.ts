/**
 * Reads the directory of an untrusted zip archive. Rejects path traversal and zip bombs; entries
 * that cannot be read are left out one by one.
 */
import { isUtf8 } from 'node:buffer';
import yauzl, { type Entry } from 'yauzl';
import { ArchiveError, GistError } from '../../core/errors.js';
import { SKIPPED } from './file-kinds.js';
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
  /** Unpacked size of all files. */
  totalBytes: number;
}

/**
 * Limits of what is unpacked, not of how well it was packed: empty masks are packed 1000 to 1, as
 * bombs are. Files are unpacked one at a time, and only those that begin as an image does.
 */
export const ARCHIVE_LIMITS: ArchiveLimits = {
  entries: 5_000_000,
  fileBytes: 512 * 2 ** 20,
  totalBytes: 4 * 2 ** 40,
};

/** Content of an archive. */
export interface ZipDirectory {
  /** Files, by name. */
  entries: Map<string, ZipEntry>;
  /** Names of folders that have an entry of their own; they end in a slash. */
  folders: string[];
  /** Number of files that are left out, by reason. */
  skipped: Record<string, number>;
}

/**
 * Reads the entries of an archive.
 *
 * @throws ArchiveError for an archive that is corrupt or malicious.
 */
export async function readZipDirectory(
  file: RandomAccessFile,
  where: string,
  limits: ArchiveLimits = ARCHIVE_LIMITS,
): Promise<ZipDirectory> {
  const entries = new Map<string, ZipEntry>();
  const folders: string[] = [];
  const skipped: Record<string, number> = {};
  const skip = (reason: string) => {
    skipped[reason] = (skipped[reason] ?? 0) + 1;
  };
  const twice = new Set<string>();
  try {
    // Sizes are compared when a file is read, so that one wrong entry does not lose the others.
    const validateEntrySizes = false;
    const options = { lazyEntries: true, autoClose: false, decodeStrings: true, validateEntrySizes };
    const zip = await yauzl.fromRandomAccessReaderPromise(new BlockReader(file), file.bytes, options);
    if (zip.entryCount > limits.entries)
      throw archiveError(where, `has ${zip.entryCount} entries; at most ${limits.entries} are read`);
    for await (const entry of zip.eachEntry()) {
      const name = nameOf(entry);
      if (name?.endsWith('/')) {
        folders.push(name);
        continue;
      }
      const reason = name === null ? SKIPPED.encoding : whyLeftOut(entry, limits);
      if (name === null || reason !== null) {
        skip(reason ?? SKIPPED.encoding);
        continue;
      }
      const file = entryOf(entry);
      const known = entries.get(name);
      if (known && isSameContent(known, file)) skip(SKIPPED.copy);
      else if (known) {
        skip(SKIPPED.twice);
        twice.add(name);
      } else entries.set(name, file);
    }
  } catch (error) {
    if (error instanceof GistError) throw error;
    throw archiveError(where, describeYauzl(error), error);
  }
  checkArchive(entries, where, limits);
  // Which of two contents a name means is not known.
  for (const name of twice) if (entries.delete(name)) skip(SKIPPED.twice);
  return { entries, folders, skipped };
}

/** General purpose flag 11: the name is UTF-8 (APPNOTE 4.4.4). */
const UTF8_FLAG = 0x0800;

/**
 * The name of an entry. macOS writes UTF-8 without the flag for it. Other names without the flag
 * are in code page 437, as the standard prescribes and yauzl decodes, or in GBK, as Windows writes
 * them in Chinese: that is, when they have symbols in the one and Chinese in the other.
 *
 * @returns null when the flag says UTF-8 and the name is not
 */
function nameOf({ fileName, fileNameRaw, generalPurposeBitFlag }: Entry): string | null {
  if (isUtf8(fileNameRaw)) {
    const name = fileNameRaw.toString('utf8').replaceAll('\\', '/');
    // The name may also come from an extra field for Unicode, which yauzl reads.
    return generalPurposeBitFlag & UTF8_FLAG || !/[\u0080-\u{10ffff}]/u.test(name) ? fileName : name;
  }
  if (generalPurposeBitFlag & UTF8_FLAG) return null;
  return /[^\p{L}\p{N}\p{M}\p{P}\s\x20-\x7e]/u.test(fileName) ? (inGbk(fileNameRaw) ?? fileName) : fileName;
}

const GBK = new TextDecoder('gbk', { fatal: true });

function inGbk(raw: Buffer): string | null {
  try {
    const name = GBK.decode(raw).replaceAll('\\', '/');
    return /^[\x20-\x7e\p{Script=Han}\u3000-\u303f\uff00-\uffef]+$/u.test(name) &&
      !/(^|\/)\.\.(\/|$)|^\//.test(name)
      ? name
      : null;
  } catch {
    return null;
  }
}

const LOCAL_HEADER_BYTES = 30;
const LOCAL_HEADER_SIGNATURE = 0x04034b50;

/**
 * Reads the bytes of an entry as they are stored, without inflating them.
 *
 * @param limit reads only this many first bytes
 * @returns null when the local header is invalid or the file ends before the entry does
 */
export async function readPackedBytes(
  file: RandomAccessFile,
  entry: ZipEntry,
  limit = Number.POSITIVE_INFINITY,
): Promise<Buffer | null> {
  const header = await file.read(entry.offset, LOCAL_HEADER_BYTES);
  if (header.length < LOCAL_HEADER_BYTES || header.readUInt32LE(0) !== LOCAL_HEADER_SIGNATURE) return null;
  // The lengths of name and extra field may differ from those in the directory.
  const start = entry.offset + LOCAL_HEADER_BYTES + header.readUInt16LE(26) + header.readUInt16LE(28);
  const length = Math.min(limit, entry.compressedBytes);
  const packed = await file.read(start, length);
  return packed.length === length ? packed : null;
}

function entryOf(entry: Entry): ZipEntry {
  return {
    offset: entry.relativeOffsetOfLocalHeader,
    compressedBytes: entry.compressedSize,
    bytes: entry.uncompressedSize,
    method: entry.compressionMethod,
    crc32: entry.crc32,
  };
}

function isSameContent(a: ZipEntry, b: ZipEntry): boolean {
  return a.crc32 === b.crc32 && a.bytes === b.bytes;
}

/** Why an entry is not read, or null. */
function whyLeftOut(entry: Entry, limits: ArchiveLimits): string | null {
  if (entry.isEncrypted()) return SKIPPED.encrypted;
  // The upper half of the attributes is the Unix mode, where the archive was made on Unix.
  if (((entry.externalFileAttributes >>> 16) & 0o170000) === 0o120000) return SKIPPED.zipLink;
  if (entry.compressionMethod !== 0 && entry.compressionMethod !== 8) return SKIPPED.method;
  const bytes = Math.max(entry.uncompressedSize, entry.compressedSize);
  return bytes > limits.fileBytes ? SKIPPED.large : null;
}

/**
 * Checks the archive as a whole: rejects bombs by their unpacked size, and by entries that share
 * the same packed bytes (Fifield 2019).
 */
function checkArchive(entries: Map<string, ZipEntry>, where: string, limits: ArchiveLimits): void {
  const sorted = [...entries.values()].sort((a, b) => a.offset - b.offset);
  let end = 0;
  let bytes = 0;
  for (const entry of sorted) {
    if (entry.offset < end) throw archiveError(where, 'has overlapping files, as zip bombs have');
    end = entry.offset + entry.compressedBytes;
    bytes += entry.bytes;
  }
  if (bytes > limits.totalBytes)
    throw archiveError(where, `would unpack to ${bytes} bytes; at most ${limits.totalBytes} are unpacked`);
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
