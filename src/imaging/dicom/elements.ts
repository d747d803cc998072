/** Walks the elements of an encoded DICOM data set (PS3.5 section 7). */
import { ImageError } from '../../core/errors.js';

/** One element. Its value is at `offset`; nothing of it is decoded. */
export interface DicomElement {
  /** Group and element number: 0xggggeeee. */
  tag: number;
  /** Value representation; empty when the encoding does not have it. */
  vr: string;
  offset: number;
  /** Bytes of the value. -1 for encapsulated pixel data, whose end is not known. */
  length: number;
}

export interface DicomEncoding {
  isExplicit: boolean;
  isLittleEndian: boolean;
}

export interface ElementList {
  elements: Map<number, DicomElement>;
  /** Where the walk ended. */
  end: number;
  /** Why the walk ended early: elements that follow are unknown. */
  problem: ImageError | null;
}

export const PIXEL_DATA = 0x7fe00010;
export const ITEM = 0xfffee000;
export const ITEM_END = 0xfffee00d;
export const SEQUENCE_END = 0xfffee0dd;
export const UNDEFINED_LENGTH = 0xffffffff;

/** Deepest nesting of sequences that is followed. */
const MAX_DEPTH = 64;
/** Elements of one data set; the widest real ones have some thousands. */
const MAX_ELEMENTS = 100_000;

const IMPLICIT: DicomEncoding = { isExplicit: false, isLittleEndian: true };
const LONG_VRS = new Set(['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'SQ', 'SV', 'UC', 'UN', 'UR', 'UT', 'UV']);
const SHORT_VRS = new Set('AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US'.split(' '));

/** Whether two characters are a value representation of the standard. */
export function isVr(vr: string): boolean {
  return LONG_VRS.has(vr) || SHORT_VRS.has(vr);
}

/** A view that is no Buffer, whose `slice` would share memory instead of copying. */
export function plainBytes({ buffer, byteOffset, byteLength }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Reads numbers of a data set in its byte order. */
export class Cursor {
  private readonly view: DataView;

  readonly bytes: Uint8Array;

  constructor(
    bytes: Uint8Array,
    readonly encoding: DicomEncoding,
  ) {
    this.bytes = plainBytes(bytes);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  uint16(offset: number): number {
    return this.view.getUint16(offset, this.encoding.isLittleEndian);
  }

  uint32(offset: number): number {
    return this.view.getUint32(offset, this.encoding.isLittleEndian);
  }

  tag(offset: number): number {
    return this.uint16(offset) * 0x10000 + this.uint16(offset + 2);
  }

  /** Reads the header of the element at `offset`; null when the bytes end within it. */
  header(offset: number, end: number): DicomElement | null {
    if (offset + 8 > end) return null;
    const tag = this.tag(offset);
    // Items and delimiters have no value representation in any encoding.
    if (!this.encoding.isExplicit || tag >= 0xfffe0000)
      return { tag, vr: '', offset: offset + 8, length: this.uint32(offset + 4) };
    const vr = String.fromCharCode(this.bytes[offset + 4] as number, this.bytes[offset + 5] as number);
    if (!LONG_VRS.has(vr)) return { tag, vr, offset: offset + 8, length: this.uint16(offset + 6) };
    if (offset + 12 > end) return null;
    return { tag, vr, offset: offset + 12, length: this.uint32(offset + 8) };
  }
}

/**
 * Lists the elements from `start` to `end`, or to the pixel data, which are the last that is
 * listed. Sequences are skipped, not read: memory is bounded by the elements of one level.
 *
 * @param until the first tag that is no longer read.
 */
export function listElements(
  cursor: Cursor,
  start: number,
  end: number,
  until = UNDEFINED_LENGTH,
): ElementList {
  const elements = new Map<number, DicomElement>();
  let offset = start;
  const ended = (what: string | null): ElementList => ({
    elements,
    end: offset,
    problem: what === null ? null : new ImageError({ what }),
  });
  while (offset < end) {
    const element = cursor.header(offset, end);
    if (element === null) return ended('is truncated: it ends within the header of an element');
    if (element.tag >= until) return ended(null);
    if (elements.size >= MAX_ELEMENTS) return ended(`has more than ${MAX_ELEMENTS} elements`);
    if (element.tag === PIXEL_DATA) {
      if (element.length === UNDEFINED_LENGTH) element.length = -1;
      elements.set(element.tag, element);
      offset = element.offset;
      return ended(null);
    }
    if (element.length === UNDEFINED_LENGTH) {
      const after = skipSequence(cursor, element, end);
      if (typeof after === 'string') return ended(after);
      element.length = after - element.offset;
    }
    if (element.offset + element.length > end) return ended(TOO_LONG);
    elements.set(element.tag, element);
    offset = element.offset + element.length;
  }
  return ended(null);
}

const TOO_LONG = 'is truncated, or an element declares more bytes than there are';

/** @returns the offset after a sequence of undefined length, or why it cannot be followed */
function skipSequence(cursor: Cursor, { vr, offset }: DicomElement, end: number): number | string {
  return skipNested(nestedCursor(cursor, vr), 'sequence', offset, end);
}

/** The content of an element of unknown representation is implicit (PS3.5 section 6.2.2). */
function nestedCursor(cursor: Cursor, vr: string): Cursor {
  return vr === 'UN' && cursor.encoding.isExplicit ? new Cursor(cursor.bytes, IMPLICIT) : cursor;
}

/** Follows nested items without recursion: the depth is a property of the file. */
function skipNested(outer: Cursor, level: 'sequence' | 'item', start: number, end: number): number | string {
  const open: { level: 'sequence' | 'item'; cursor: Cursor }[] = [{ level, cursor: outer }];
  let offset = start;
  for (let top = open.at(-1); top; top = open.at(-1)) {
    const element = top.cursor.header(offset, end);
    if (element === null) return 'is truncated: it ends within a sequence';
    const { tag, length } = element;
    offset = element.offset;
    if (tag === (top.level === 'sequence' ? SEQUENCE_END : ITEM_END)) {
      open.pop();
      continue;
    }
    if (top.level === 'sequence' && tag !== ITEM) return 'is corrupt: a sequence contains no items';
    if (length !== UNDEFINED_LENGTH) {
      offset += length;
      if (offset > end) return TOO_LONG;
      continue;
    }
    if (open.length >= MAX_DEPTH) return `has sequences nested more than ${MAX_DEPTH} levels deep`;
    open.push(
      top.level === 'sequence'
        ? { level: 'item', cursor: top.cursor }
        : { level: 'sequence', cursor: nestedCursor(top.cursor, element.vr) },
    );
  }
  return offset;
}

/**
 * The item of a sequence at an index, as a range of elements.
 *
 * @returns null when the sequence has fewer items or is corrupt.
 */
export function findItem(
  cursor: Cursor,
  { vr, offset: start, length }: DicomElement,
  index: number,
): { cursor: Cursor; list: ElementList } | null {
  const inner = nestedCursor(cursor, vr);
  const end = start + length;
  let offset = start;
  for (let i = 0; offset < end; i++) {
    const item = inner.header(offset, end);
    if (item?.tag !== ITEM) return null;
    const after =
      item.length === UNDEFINED_LENGTH
        ? skipNested(inner, 'item', item.offset, end)
        : item.offset + item.length;
    if (typeof after === 'string' || after > end) return null;
    if (i === index) return { cursor: inner, list: listElements(inner, item.offset, after, ITEM) };
    offset = after;
  }
  return null;
}
