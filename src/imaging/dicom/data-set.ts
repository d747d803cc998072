/** Gives the values of a DICOM data set by tag. */
import type { TextDecoder } from 'node:util';
import { textDecoder } from './charset.js';
import { type Cursor, type DicomElement, findItem } from './elements.js';

const SPECIFIC_CHARACTER_SET = 0x00080005;

/** Representations whose values are text. */
const LATIN_VRS = new Set(['AE', 'AS', 'CS', 'DA', 'DS', 'DT', 'IS', 'TM', 'UI']);

/** Values are decoded when they are requested. A tag that is absent or empty has no values. */
export class DicomDataSet {
  private decoder: TextDecoder | undefined;

  constructor(
    readonly cursor: Cursor,
    private readonly elements: ReadonlyMap<number, DicomElement>,
    private readonly parent?: DicomDataSet,
  ) {}

  find(tag: number): DicomElement | undefined {
    return this.elements.get(tag);
  }

  /** The bytes of a value. */
  bytes(tag: number): Uint8Array {
    const element = this.elements.get(tag);
    if (!element || element.length < 0) return new Uint8Array();
    return this.cursor.bytes.subarray(element.offset, element.offset + element.length);
  }

  /** Text values without padding. */
  strings(tag: number): string[] {
    const element = this.elements.get(tag);
    const bytes = this.bytes(tag);
    if (!element || bytes.length === 0) return [];
    const text = LATIN_VRS.has(element.vr)
      ? Buffer.from(bytes).toString('latin1')
      : this.text().decode(bytes);
    const trimmed = text.split('\\').map((value) => value.replace(/^[ \0]+|[ \0]+$/g, ''));
    return trimmed.length === 1 && trimmed[0] === '' ? [] : trimmed;
  }

  string(tag: number): string {
    return this.strings(tag)[0] ?? '';
  }

  /**
   * Numeric values; text that is not a number is NaN.
   *
   * @param implicitVr representation of the tag where the encoding does not have it.
   */
  numbers(tag: number, implicitVr: NumericVr): number[] {
    const element = this.elements.get(tag);
    if (!element) return [];
    const vr = READERS.has(element.vr) || TEXT_NUMBERS.has(element.vr) ? element.vr : implicitVr;
    const reader = READERS.get(vr);
    if (!reader) return this.strings(tag).map((text) => (text === '' ? Number.NaN : Number(text)));
    const bytes = this.bytes(tag);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const { isLittleEndian } = this.cursor.encoding;
    const count = Math.floor(bytes.byteLength / reader.bytes);
    return Array.from({ length: count }, (_, i) => reader.read(view, i * reader.bytes, isLittleEndian));
  }

  number(tag: number, implicitVr: NumericVr): number | undefined {
    const value = this.numbers(tag, implicitVr)[0];
    return value === undefined || Number.isNaN(value) ? undefined : value;
  }

  /** One item of a sequence, or undefined. */
  item(tag: number, index = 0): DicomDataSet | undefined {
    const element = this.elements.get(tag);
    const found = element && findItem(this.cursor, element, index);
    return found ? new DicomDataSet(found.cursor, found.list.elements, this) : undefined;
  }

  private text(): TextDecoder {
    if (this.parent && !this.elements.has(SPECIFIC_CHARACTER_SET)) return this.parent.text();
    if (this.decoder === undefined) {
      const names = Buffer.from(this.bytes(SPECIFIC_CHARACTER_SET)).toString('latin1').split('\\');
      this.decoder = textDecoder(names);
    }
    return this.decoder;
  }
}

export type NumericVr = 'DS' | 'IS' | 'US' | 'SS' | 'UL' | 'SL' | 'FL' | 'FD';

const TEXT_NUMBERS = new Set(['DS', 'IS']);

interface NumberReader {
  bytes: number;
  read: (view: DataView, offset: number, isLittleEndian: boolean) => number;
}

const READERS = new Map<string, NumberReader>([
  ['US', { bytes: 2, read: (view, offset, little) => view.getUint16(offset, little) }],
  ['SS', { bytes: 2, read: (view, offset, little) => view.getInt16(offset, little) }],
  ['UL', { bytes: 4, read: (view, offset, little) => view.getUint32(offset, little) }],
  ['SL', { bytes: 4, read: (view, offset, little) => view.getInt32(offset, little) }],
  ['FL', { bytes: 4, read: (view, offset, little) => view.getFloat32(offset, little) }],
  ['FD', { bytes: 8, read: (view, offset, little) => view.getFloat64(offset, little) }],
]);
