/**
 * Reads files of an uncompressed zip archive in memory, the format of PyTorch checkpoints since
 * 1.6.
 */

/** Signatures of the records: PKWARE APPNOTE 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16. */
const LOCAL_HEADER = 0x04034b50;
const CENTRAL_HEADER = 0x02014b50;
const END_RECORD = 0x06054b50;
const END_BYTES = 22;
const MAX_COMMENT_BYTES = 0xffff;

export function isZip(bytes: Uint8Array): boolean {
  return bytes.byteLength >= 4 && viewOf(bytes).getUint32(0, true) === LOCAL_HEADER;
}

/**
 * All files by name, as views of the bytes of the archive.
 *
 * @param refuse throws the error of the caller, given a description of the problem
 */
export function readStoredEntries(
  bytes: Uint8Array,
  refuse: (what: string) => never,
): Map<string, Uint8Array> {
  const view = viewOf(bytes);
  const end = endRecord(view);
  if (end === null) refuse('is a truncated archive');
  const count = view.getUint16(end + 10, true);
  const start = view.getUint32(end + 16, true);
  if (start === 0xffffffff || count === 0xffff) refuse('is an archive with more than 4 GiB or 65,534 files');
  const files = new Map<string, Uint8Array>();
  let at = start;
  for (let i = 0; i < count; i++) {
    if (at + 46 > end || view.getUint32(at, true) !== CENTRAL_HEADER)
      refuse('has a corrupt central directory');
    if (view.getUint16(at + 10, true) !== 0) refuse('is a compressed archive, which is not a PyTorch format');
    const nameBytes = view.getUint16(at + 28, true);
    const name = Buffer.from(bytes.buffer, bytes.byteOffset + at + 46, Math.min(nameBytes, end - at - 46));
    const content = entryAt(bytes, view.getUint32(at + 42, true), view.getUint32(at + 24, true));
    if (!content) refuse('has an entry that exceeds the archive');
    if (files.has(name.toString())) refuse('has a duplicate entry');
    files.set(name.toString(), content);
    at += 46 + nameBytes + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return files;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Offset of the end of central directory record, which only a comment may follow; null if none. */
function endRecord(view: DataView): number | null {
  const last = view.byteLength - END_BYTES;
  for (let at = last; at >= Math.max(0, last - MAX_COMMENT_BYTES); at--) {
    const isEnd = view.getUint32(at, true) === END_RECORD;
    if (isEnd && at + END_BYTES + view.getUint16(at + 20, true) === view.byteLength) return at;
  }
  return null;
}

/**
 * Content after the local header at an offset; null if the header is invalid or the content too
 * long.
 */
function entryAt(bytes: Uint8Array, offset: number, length: number): Uint8Array | null {
  const view = viewOf(bytes);
  if (offset + 30 > bytes.byteLength || view.getUint32(offset, true) !== LOCAL_HEADER) return null;
  const first = offset + 30 + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true);
  return first + length <= bytes.byteLength ? bytes.subarray(first, first + length) : null;
}
