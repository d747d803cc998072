/** Opens a DICOM file: file meta information, transfer syntax, data set. */
import { ImageError } from '../../core/errors.js';
import { MAX_FILE_BYTES } from '../source/image-source.js';
import { DicomDataSet } from './data-set.js';
import { inflateHeader, inflateWhole } from './deflated.js';
import { Cursor, type DicomEncoding, isVr, listElements, PIXEL_DATA } from './elements.js';
import { bitsOfFrame, describeImage } from './image-description.js';
import { firstElementOffset, hasPrefix } from './sniff.js';
import {
  EXPLICIT_BIG_ENDIAN,
  EXPLICIT_LITTLE_ENDIAN,
  IMPLICIT_LITTLE_ENDIAN,
  type TransferSyntax,
  transferSyntax,
} from './transfer-syntax.js';

const TRANSFER_SYNTAX_UID = 0x00020010;
/** The first tag after the file meta information. */
const AFTER_META = 0x00030000;

export interface DicomFile {
  syntax: TransferSyntax;
  dataSet: DicomDataSet;
  /** Why the data set ends early. Elements before that are usable. */
  problem: ImageError | null;
  /** Faults that do not change the pixels, in words that contain no value of an element. */
  faults: string[];
}

/**
 * Reads the elements up to the pixel data. Also reads files without preamble, and files whose
 * declared encoding of elements is not the actual one.
 *
 * @param options.until the first tag that is not needed; the bytes may then be the beginning of a
 *   file. Default: the pixel data are the last element.
 * @throws ImageError when there is no data set.
 */
export function readDicomFile(bytes: Uint8Array, options: { until?: number } = {}): DicomFile {
  const start = firstElementOffset(bytes);
  const meta = readMeta(bytes, start);
  const uid = meta.uid || guessTransferSyntax(bytes, meta.end);
  const syntax = transferSyntax(uid);
  const body = syntax.isDeflated ? inflateBody(bytes.subarray(meta.end), syntax, options.until) : bytes;
  const first = syntax.isDeflated ? 0 : meta.end;
  if (first >= body.byteLength) throw new ImageError({ what: 'is truncated: it has no data set' });
  return readBody(body, first, syntax, options.until).file;
}

/** @returns the data set, and where the list of its elements ends */
function readBody(body: Uint8Array, first: number, syntax: TransferSyntax, until: number | undefined) {
  const encoding = actualEncoding(body, first, syntax);
  const faults = encoding.isExplicit === syntax.isExplicit ? [] : ['DICOM with undeclared encoding'];
  const cursor = new Cursor(body, encoding);
  const { elements, problem, end } = listElements(cursor, first, body.byteLength, until);
  const file: DicomFile = { syntax, dataSet: new DicomDataSet(cursor, elements), problem, faults };
  return { file, end };
}

/** The data set up to a tag, or else all of it, which is as large as its pixels are described. */
function inflateBody(deflated: Uint8Array, syntax: TransferSyntax, until: number | undefined): Uint8Array {
  const header = inflateHeader(deflated, (part) => {
    const { file, end } = readBody(part, 0, syntax, until);
    // An element of which only a part is there is a problem, too.
    return file.problem === null && (end < part.byteLength || file.dataSet.find(PIXEL_DATA) !== undefined);
  });
  if (until !== undefined) return header;
  const { file } = readBody(header, 0, syntax, until);
  const image = describeImage(file);
  const start = file.dataSet.find(PIXEL_DATA)?.offset ?? header.byteLength;
  const pixels = Math.ceil((bitsOfFrame(image) * image.frames) / 8);
  return inflateWhole(deflated, Math.min(MAX_FILE_BYTES, start + pixels));
}

/** The file meta information is explicit little endian in every file (PS3.10 section 7.1). */
function readMeta(bytes: Uint8Array, start: number): { uid: string; end: number } {
  if (!hasPrefix(bytes) && bytes[0] !== 0x02) return { uid: '', end: 0 };
  const declared: DicomEncoding = { isExplicit: true, isLittleEndian: true };
  const cursor = new Cursor(bytes, actualEncoding(bytes, start, declared));
  const { elements, end } = listElements(cursor, start, bytes.byteLength, AFTER_META);
  return { uid: new DicomDataSet(cursor, elements).string(TRANSFER_SYNTAX_UID), end };
}

function guessTransferSyntax(bytes: Uint8Array, offset: number): string {
  if (!isVr(vrAt(bytes, offset))) return IMPLICIT_LITTLE_ENDIAN;
  // The first group is 0008, whose zero byte comes first in big endian.
  return bytes[offset] === 0 ? EXPLICIT_BIG_ENDIAN : EXPLICIT_LITTLE_ENDIAN;
}

/** Some writers declare implicit elements and write explicit ones, or the other way round. */
function actualEncoding(bytes: Uint8Array, offset: number, declared: DicomEncoding): DicomEncoding {
  if (offset + 8 > bytes.byteLength || !declared.isLittleEndian) return declared;
  return { isExplicit: isVr(vrAt(bytes, offset)), isLittleEndian: true };
}

function vrAt(bytes: Uint8Array, offset: number): string {
  return String.fromCharCode(bytes[offset + 4] ?? 0, bytes[offset + 5] ?? 0);
}
