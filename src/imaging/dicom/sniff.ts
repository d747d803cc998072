/** Recognizes DICOM files by their first bytes. */
import { isVr } from './elements.js';

const PREAMBLE = 128;
/** Media Storage Directory Storage: the SOP class of a DICOMDIR. */
const DIRECTORY_CLASS = '1.2.840.10008.1.3.10';
/** The class stands within the file meta information, which is short. */
const META_BYTES = 1024;

/** Offset of the first element: after the preamble and its prefix, or 0 without them. */
export function firstElementOffset(bytes: Uint8Array): number {
  return hasPrefix(bytes) ? PREAMBLE + 4 : 0;
}

export function hasPrefix(bytes: Uint8Array): boolean {
  return ascii(bytes, PREAMBLE, PREAMBLE + 4) === 'DICM';
}

/**
 * Whether a file is DICOM: the prefix of Part 10, or, without it, an element of group 0002 or 0008
 * with a value representation, or with an implicit length that fits.
 *
 * @param bytes the first bytes; 132 are enough.
 */
export function looksLikeDicom(bytes: Uint8Array): boolean {
  if (hasPrefix(bytes)) return true;
  if (bytes.byteLength < 16) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const vr = ascii(bytes, 4, 6);
  for (const isLittleEndian of [true, false]) {
    const group = view.getUint16(0, isLittleEndian);
    if (group !== 0x0002 && group !== 0x0008) continue;
    // Elements of these groups that may come first have small numbers.
    if (view.getUint16(2, isLittleEndian) > 0x0070) continue;
    if (isVr(vr)) return true;
    const length = view.getUint32(4, isLittleEndian);
    if (isLittleEndian && length % 2 === 0 && length <= 1024) return followsUp(view, 8 + length);
  }
  return false;
}

/** Whether the next element of an implicit data set belongs to the same or a following group. */
function followsUp(view: DataView, offset: number): boolean {
  if (offset + 8 > view.byteLength) return offset <= view.byteLength;
  const group = view.getUint16(offset, true);
  return group === 0x0002 || (group >= 0x0008 && group <= 0x7fe0 && group % 2 === 0);
}

/** Whether a file is a DICOMDIR: an index of files, without pixels. */
export function isDicomDir(bytes: Uint8Array): boolean {
  if (!looksLikeDicom(bytes)) return false;
  const start = firstElementOffset(bytes);
  const head = ascii(bytes, start, start + META_BYTES);
  const at = head.indexOf(DIRECTORY_CLASS);
  // A longer identifier that starts alike is another class.
  return at >= 0 && !/[\d.]/.test(head[at + DIRECTORY_CLASS.length] ?? '');
}

function ascii(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1', from, to);
}
