/** Writes zip archives whose files are stored, not deflated. The same files give the same bytes. */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { crc32 } from './crc32.js';

/**
 * Layout of the records: PKWARE APPNOTE 6.3.10, sections 4.3.7, 4.3.12, 4.3.14 to 4.3.16 and 4.5.3.
 */
const VERSION_ZIP64 = 45;
const UTF8_NAMES = 0x0800;
/**
 * 1 January 1980, midnight: the time of every file, so that the bytes of an archive depend only on
 * its content.
 */
const DOS_DATE = 0x0021;
const UNIX_FILE_0644 = (0o100644 << 16) >>> 0;
const MAX_32 = 0xffffffff;
/** Length of the record before the bytes of each file, without the name of the file. */
export const LOCAL_HEADER_BYTES = 30;

export interface ZipFileContent {
  name: string;
  bytes: Uint8Array;
}

/**
 * Writes files to a new archive as they arrive. Memory holds one file, a buffer and the directory.
 *
 * @returns length and SHA-256 of the archive, and the number of files.
 */
export async function writeStoredZip(
  target: string,
  files: AsyncIterable<ZipFileContent>,
): Promise<{ bytes: number; sha256: string; files: number }> {
  const handle = await open(target, 'wx');
  try {
    const out = new HashedWriter(handle);
    const directory: Buffer[] = [];
    for await (const { name, bytes } of files) {
      const entry = {
        name: Buffer.from(name),
        checksum: crc32(bytes),
        length: bytes.byteLength,
        offset: out.bytes,
      };
      await out.write(localHeader(entry));
      await out.write(bytes);
      directory.push(directoryRecord(entry));
    }
    const start = out.bytes;
    const records = Buffer.concat(directory);
    await out.write(records);
    await out.write(endRecords(directory.length, start, records.length));
    await out.flush();
    return { bytes: out.bytes, sha256: out.digest(), files: directory.length };
  } finally {
    await handle.close();
  }
}

/** Records and small files are written together: each write costs a turn of a thread. */
const BUFFER_BYTES = 2 ** 20;

class HashedWriter {
  readonly #hash = createHash('sha256');
  readonly #handle: FileHandle;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  bytes = 0;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#hash.update(chunk);
    this.bytes += chunk.byteLength;
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.byteLength;
    if (this.#waitingBytes >= BUFFER_BYTES) await this.flush();
  }

  async flush(): Promise<void> {
    const chunks = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    await this.#handle.writeFile(Buffer.concat(chunks));
  }

  digest(): string {
    return this.#hash.digest('hex');
  }
}

interface EntryRecord {
  name: Buffer;
  checksum: number;
  length: number;
  offset: number;
}

function localHeader({ name, checksum, length }: EntryRecord): Buffer {
  const header = Buffer.alloc(LOCAL_HEADER_BYTES);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(VERSION_ZIP64, 4);
  writeCommon(header, 6, { checksum, length, name });
  return Buffer.concat([header, name]);
}

function directoryRecord({ name, checksum, length, offset }: EntryRecord): Buffer {
  const needsZip64 = offset >= MAX_32;
  const record = Buffer.alloc(46);
  record.writeUInt32LE(0x02014b50, 0);
  record.writeUInt16LE((3 << 8) | VERSION_ZIP64, 4);
  record.writeUInt16LE(VERSION_ZIP64, 6);
  writeCommon(record, 8, { checksum, length, name });
  record.writeUInt16LE(needsZip64 ? 12 : 0, 30);
  record.writeUInt32LE(UNIX_FILE_0644, 38);
  record.writeUInt32LE(needsZip64 ? MAX_32 : offset, 42);
  return Buffer.concat([record, name, needsZip64 ? zip64Offset(offset) : Buffer.alloc(0)]);
}

/** Flags, method, time, checksum and lengths have the same order in both kinds of record. */
function writeCommon(record: Buffer, at: number, entry: Omit<EntryRecord, 'offset'>): void {
  record.writeUInt16LE(UTF8_NAMES, at);
  record.writeUInt16LE(DOS_DATE, at + 6);
  record.writeUInt32LE(entry.checksum, at + 8);
  record.writeUInt32LE(entry.length, at + 12);
  record.writeUInt32LE(entry.length, at + 16);
  record.writeUInt16LE(entry.name.length, at + 20);
}

function zip64Offset(offset: number): Buffer {
  const extra = Buffer.alloc(12);
  extra.writeUInt16LE(0x0001, 0);
  extra.writeUInt16LE(8, 2);
  extra.writeBigUInt64LE(BigInt(offset), 4);
  return extra;
}

function endRecords(count: number, start: number, length: number): Buffer {
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Math.min(count, 0xffff), 8);
  end.writeUInt16LE(Math.min(count, 0xffff), 10);
  end.writeUInt32LE(Math.min(length, MAX_32), 12);
  end.writeUInt32LE(Math.min(start, MAX_32), 16);
  const isLarge = count >= 0xffff || length >= MAX_32 || start >= MAX_32;
  return isLarge ? Buffer.concat([zip64EndRecords(count, start, length), end]) : end;
}

function zip64EndRecords(count: number, start: number, length: number): Buffer {
  const end = Buffer.alloc(56);
  end.writeUInt32LE(0x06064b50, 0);
  end.writeBigUInt64LE(44n, 4);
  end.writeUInt16LE((3 << 8) | VERSION_ZIP64, 12);
  end.writeUInt16LE(VERSION_ZIP64, 14);
  end.writeBigUInt64LE(BigInt(count), 24);
  end.writeBigUInt64LE(BigInt(count), 32);
  end.writeBigUInt64LE(BigInt(length), 40);
  end.writeBigUInt64LE(BigInt(start), 48);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(start + length), 8);
  locator.writeUInt32LE(1, 16);
  return Buffer.concat([end, locator]);
}
