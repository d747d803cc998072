/** Reads the lookup tables of DICOM: modality, VOI, palette (PS3.3 section C.11.1.1). */
import { ImageError } from '../../core/errors.js';
import type { DicomDataSet } from './data-set.js';

/** Bytes of a table that are read: twice those of the longest one, for segments. */
const MAX_BYTES = 4 * 65_536;

export interface LookupTable {
  /** Input value of the first entry; smaller inputs use it too, larger ones the last entry. */
  first: number;
  bits: number;
  values: Uint16Array;
}

/**
 * @param isSigned the inputs are signed.
 * @param expand of segmented data, to the given number of entries.
 * @returns undefined when there is no table.
 * @throws ImageError when entries are missing: inputs beyond would all look like the last one.
 */
export function readLut(
  dataSet: DicomDataSet,
  descriptorTag: number,
  dataTag: number,
  isSigned: boolean,
  expand?: (words: Uint16Array, length: number) => Uint16Array,
): LookupTable | undefined {
  const [declared, first = 0, bits = 16] = dataSet.numbers(descriptorTag, 'US');
  const bytes = dataSet.bytes(dataTag).subarray(0, MAX_BYTES);
  if (declared === undefined || bytes.byteLength === 0) return undefined;
  // 65,536 entries do not fit in the descriptor.
  const length = declared === 0 ? 65536 : declared;
  // Some writers declare 16 bits and store 8; an odd number of bytes is padded.
  const isOfBytes = bits <= 8 || (!expand && bytes.byteLength <= length + 1);
  const isBytes = isOfBytes && bytes.byteLength < 2 * length;
  const { isLittleEndian } = dataSet.cursor.encoding;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const words = isBytes
    ? Uint16Array.from(bytes)
    : Uint16Array.from({ length: bytes.byteLength >> 1 }, (_, i) => view.getUint16(2 * i, isLittleEndian));
  const values = (expand?.(words, length) ?? words).subarray(0, length);
  if (values.length < length)
    throw new ImageError({ what: 'is corrupt: a lookup table has fewer entries than it declares' });
  const isNegative = isSigned && first > 32767;
  const depth = Math.min(isBytes ? 8 : 16, Math.max(1, bits));
  return { first: isNegative ? first - 65536 : first, bits: depth, values };
}

/** Looks a value up. */
export function lookUp({ first, values }: LookupTable, input: number): number {
  const entry = Math.min(values.length - 1, Math.max(0, Math.floor(input) - first));
  return values[entry] as number;
}
