/** Reads the lookup tables of DICOM: modality, VOI, palette (PS3.3 section C.11.1.1). */
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
 */
export function readLut(
  dataSet: DicomDataSet,
  descriptorTag: number,
  dataTag: number,
  isSigned: boolean,
  expand: (words: Uint16Array, length: number) => Uint16Array = (words) => words,
): LookupTable | undefined {
  const [declared, first = 0, bits = 16] = dataSet.numbers(descriptorTag, 'US');
  const bytes = dataSet.bytes(dataTag).subarray(0, MAX_BYTES);
  if (declared === undefined || bytes.byteLength === 0) return undefined;
  // 65,536 entries do not fit in the descriptor.
  const length = declared === 0 ? 65536 : declared;
  const isBytes = bits <= 8 && bytes.byteLength < 2 * length;
  const { isLittleEndian } = dataSet.cursor.encoding;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const words = isBytes
    ? Uint16Array.from(bytes)
    : Uint16Array.from({ length: bytes.byteLength >> 1 }, (_, i) => view.getUint16(2 * i, isLittleEndian));
  const values = expand(words, length).subarray(0, length);
  if (values.length === 0) return undefined;
  const isNegative = isSigned && first > 32767;
  return { first: isNegative ? first - 65536 : first, bits: Math.min(16, Math.max(1, bits)), values };
}

/** Looks a value up. */
export function lookUp({ first, values }: LookupTable, input: number): number {
  const entry = Math.min(values.length - 1, Math.max(0, Math.floor(input) - first));
  return values[entry] as number;
}
