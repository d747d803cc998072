/** Writes small DICOM files in any uncompressed encoding, and encapsulates compressed frames. */
import { deflateRawSync } from 'node:zlib';

export type DicomValue = string | number[] | Uint8Array | TestElement[][];
export interface TestElement {
  tag: number;
  vr: string;
  value: DicomValue;
}

export interface Encoding {
  isExplicit: boolean;
  isLittleEndian: boolean;
}

const LONG = ['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'SQ', 'SV', 'UC', 'UN', 'UR', 'UT', 'UV'];
const SIZES: Record<string, number> = { US: 2, SS: 2, UL: 4, SL: 4, FL: 4, FD: 8, OW: 2 };
const ROOT = '1.2.840.10008.1.2';

export const SYNTAXES = {
  implicit: ROOT,
  explicit: `${ROOT}.1`,
  bigEndian: `${ROOT}.2`,
  deflated: `${ROOT}.1.99`,
  rle: `${ROOT}.5`,
  jpegBaseline: `${ROOT}.4.50`,
  jpegExtended: `${ROOT}.4.51`,
  jpegLossless: `${ROOT}.4.57`,
  jpegLosslessFirstOrder: `${ROOT}.4.70`,
  jpegLs: `${ROOT}.4.80`,
  jpegLsNear: `${ROOT}.4.81`,
  jpeg2000Lossless: `${ROOT}.4.90`,
  jpeg2000: `${ROOT}.4.91`,
  htj2k: `${ROOT}.4.201`,
} as const;

/** A Part 10 file; without preamble and file meta information when `isBare`. */
export function dicomFile(
  syntax: string,
  elements: readonly TestElement[],
  { isBare = false }: { isBare?: boolean } = {},
): Buffer {
  const encoding = {
    isExplicit: syntax !== SYNTAXES.implicit,
    isLittleEndian: syntax !== SYNTAXES.bigEndian,
  };
  const sorted = [...elements].sort((a, b) => a.tag - b.tag);
  const body = encodeElements(sorted, encoding);
  if (isBare) return body;
  const meta = encodeElements(
    [
      { tag: 0x00020002, vr: 'UI', value: '1.2.840.10008.5.1.4.1.1.7' },
      { tag: 0x00020010, vr: 'UI', value: syntax },
    ],
    { isExplicit: true, isLittleEndian: true },
  );
  const isDeflated = syntax === SYNTAXES.deflated;
  return Buffer.concat([
    Buffer.alloc(128),
    Buffer.from('DICM'),
    meta,
    isDeflated ? deflateRawSync(body) : body,
  ]);
}

export function encodeElements(elements: readonly TestElement[], encoding: Encoding): Buffer {
  return Buffer.concat(elements.map((element) => encodeElement(element, encoding)));
}

function encodeElement({ tag, vr, value }: TestElement, encoding: Encoding): Buffer {
  const content = encodeValue(vr, value, encoding);
  const number = integers(encoding);
  const { length } = content;
  const head = [number(tag >>> 16, 2), number(tag & 0xffff, 2)];
  if (!encoding.isExplicit) return Buffer.concat([...head, number(length, 4), content]);
  const lengthBytes = LONG.includes(vr) ? [number(0, 2), number(length, 4)] : [number(length, 2)];
  return Buffer.concat([...head, Buffer.from(vr), ...lengthBytes, content]);
}

function integers({ isLittleEndian }: Encoding) {
  return (value: number, bytes: number): Buffer => {
    const buffer = Buffer.alloc(bytes);
    if (isLittleEndian) buffer.writeUIntLE(value, 0, bytes);
    else buffer.writeUIntBE(value, 0, bytes);
    return buffer;
  };
}

function encodeValue(vr: string, value: DicomValue, encoding: Encoding): Buffer {
  if (value instanceof Uint8Array) return even(Buffer.from(value), 0);
  if (typeof value === 'string') return even(Buffer.from(value, 'utf8'), vr === 'UI' ? 0 : 0x20);
  if (isItems(value)) {
    const number = integers(encoding);
    return Buffer.concat(
      value.map((item) => {
        const content = encodeElements(item, encoding);
        return Buffer.concat([number(0xfffe, 2), number(0xe000, 2), number(content.length, 4), content]);
      }),
    );
  }
  return Buffer.concat(value.map((one) => encodeNumber(vr, one, encoding)));
}

function isItems(value: number[] | TestElement[][]): value is TestElement[][] {
  return Array.isArray(value[0]);
}

function encodeNumber(vr: string, value: number, { isLittleEndian }: Encoding): Buffer {
  const bytes = SIZES[vr] ?? 2;
  const view = new DataView(new ArrayBuffer(bytes));
  if (vr === 'FL') view.setFloat32(0, value, isLittleEndian);
  else if (vr === 'FD') view.setFloat64(0, value, isLittleEndian);
  else if (bytes === 2) view.setInt16(0, value, isLittleEndian);
  else view.setInt32(0, value, isLittleEndian);
  return Buffer.from(view.buffer);
}

function even(bytes: Buffer, padding: number): Buffer {
  return bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.from([padding])]);
}

export interface ImageOptions {
  width: number;
  height: number;
  bits?: number;
  bitsStored?: number;
  isSigned?: boolean;
  samples?: 1 | 3;
  photometric?: string;
  isPlanar?: boolean;
  frames?: number;
}

/** The elements that describe pixels. */
export function imageElements({
  width,
  height,
  bits = 16,
  bitsStored = bits,
  isSigned = false,
  samples = 1,
  photometric = samples === 1 ? 'MONOCHROME2' : 'RGB',
  isPlanar,
  frames,
}: ImageOptions): TestElement[] {
  const us = (tag: number, value: number): TestElement => ({ tag, vr: 'US', value: [value] });
  return [
    { tag: 0x00080016, vr: 'UI', value: '1.2.840.10008.5.1.4.1.1.7' },
    us(0x00280002, samples),
    { tag: 0x00280004, vr: 'CS', value: photometric },
    ...(isPlanar === undefined ? [] : [us(0x00280006, isPlanar ? 1 : 0)]),
    ...(frames === undefined ? [] : [{ tag: 0x00280008, vr: 'IS', value: String(frames) }]),
    us(0x00280010, height),
    us(0x00280011, width),
    us(0x00280100, bits),
    us(0x00280101, bitsStored),
    us(0x00280102, bitsStored - 1),
    us(0x00280103, isSigned ? 1 : 0),
  ];
}

export function decimal(tag: number, ...values: number[]): TestElement {
  return { tag, vr: 'DS', value: values.join('\\') };
}

/** Uncompressed pixels: 16-bit words, or bytes. */
export function nativePixels(values: readonly number[], bits: 8 | 16 = 16): TestElement {
  return bits === 16
    ? { tag: 0x7fe00010, vr: 'OW', value: [...values] }
    : { tag: 0x7fe00010, vr: 'OB', value: Uint8Array.from(values) };
}

/** A file whose pixel data are fragments; their end can be left out. */
export function encapsulatedFile(
  syntax: string,
  elements: readonly TestElement[],
  fragments: readonly Uint8Array[],
  { offsets = [], hasEnd = true }: { offsets?: number[]; hasEnd?: boolean } = {},
): Buffer {
  const number = integers({ isExplicit: true, isLittleEndian: true });
  const item = (bytes: Uint8Array) => {
    const content = even(Buffer.from(bytes), 0);
    return Buffer.concat([number(0xfffe, 2), number(0xe000, 2), number(content.length, 4), content]);
  };
  const table = Buffer.concat(offsets.map((offset) => number(offset, 4)));
  const end = Buffer.concat([number(0xfffe, 2), number(0xe0dd, 2), number(0, 4)]);
  const head = Buffer.concat([
    number(0x7fe0, 2),
    number(0x0010, 2),
    Buffer.from('OB\0\0'),
    number(0xffffffff, 4),
  ]);
  const parts = [dicomFile(syntax, elements), head, item(table), ...fragments.map(item)];
  return Buffer.concat(hasEnd ? [...parts, end] : parts);
}

/** RLE of one frame, with literal runs only; bytes of a sample are separate segments. */
export function rleFrame(segments: readonly Uint8Array[]): Buffer {
  const packed = segments.map((bytes) => {
    const runs: Buffer[] = [];
    for (let i = 0; i < bytes.length; i += 128) {
      const literal = bytes.subarray(i, i + 128);
      runs.push(Buffer.from([literal.length - 1, ...literal]));
    }
    return even(Buffer.concat(runs), 128);
  });
  const header = Buffer.alloc(64);
  header.writeUInt32LE(packed.length, 0);
  let offset = 64;
  packed.forEach((segment, i) => {
    header.writeUInt32LE(offset, 4 + 4 * i);
    offset += segment.length;
  });
  return Buffer.concat([header, ...packed]);
}
