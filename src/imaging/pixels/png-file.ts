/**
 * Reads the structure of a PNG file (ISO/IEC 15948, section 5) to its end: whether all chunks are
 * there and have the right checksums, and which faults are harmless.
 */
import { ImageError } from '../../core/errors.js';
import { crc32 } from '../dataset/crc32.js';
import type { Inspection } from './inspection.js';
import { PLAIN_PIXELS } from './plain-png.js';

const SIGNATURE_BYTES = 8;
/** Length, type and checksum of a chunk. */
const CHUNK_BYTES = 12;
const IEND = Buffer.from([0, 0, 0, 0, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82]);
/** Color types (table 11.1). */
const GRAY_TYPES = [0, 4];
const ALPHA_TYPES = [4, 6];

interface Chunk {
  type: string;
  /** All of the chunk. */
  bytes: Buffer;
  isValid: boolean;
}

/**
 * @throws ImageError when the file is truncated, or a chunk that the pixels depend on does not have
 *   its checksum.
 */
export function inspectPng(file: Uint8Array, where?: string): Inspection {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const chunks = [...chunksOf(bytes, where)];
  const header = chunks[0];
  if (header?.type !== 'IHDR' || header.bytes.length !== CHUNK_BYTES + 13)
    throw new ImageError({ what: 'is corrupt', where });
  if (chunks.some(({ type }, i) => isCritical(type) && !isExpected(type, i)))
    throw new ImageError({ what: 'is corrupt', where });
  if (chunks.some(({ type, isValid }) => !isValid && isNeeded(type)))
    throw new ImageError({ what: 'is corrupt: a checksum does not match', where });
  const notes: string[] = [];
  const kept = chunks.filter(({ isValid }) => isValid);
  if (kept.length < chunks.length) notes.push('damaged metadata');
  const hasEnd = chunks.at(-1)?.type === 'IEND';
  if (!hasEnd) notes.push('no end marker');
  const parts = [bytes.subarray(0, SIGNATURE_BYTES), ...kept.map((chunk) => chunk.bytes)];
  return {
    format: 'png',
    bytes: notes.length === 0 ? file : Buffer.concat(hasEnd ? parts : [...parts, IEND]),
    notes,
    ...describeHeader(header.bytes, kept),
  };
}

/** Fields of the header (section 11.2.2), and what other chunks add. */
function describeHeader(
  header: Buffer,
  chunks: readonly Chunk[],
): Omit<Inspection, 'format' | 'bytes' | 'notes'> {
  const [width, height] = [header.readUInt32BE(8), header.readUInt32BE(12)];
  const [bits, type, interlacing] = [header[16], header[17] as number, header[20]];
  const has = (name: string) => chunks.some((chunk) => chunk.type === name);
  const hasAlpha = ALPHA_TYPES.includes(type) || has('tRNS');
  const hasExif = has('eXIf');
  const isPlain = bits === 8 && (type === 0 || type === 2) && interlacing === 0 && !hasAlpha && !hasExif;
  return {
    width,
    height,
    samples: { space: GRAY_TYPES.includes(type) ? 'gray' : 'rgb', bits: bits === 16 ? 16 : 8 },
    hasAlpha,
    hasExif,
    isWhole: interlacing === 1,
    ...(isPlain &&
      width * height <= PLAIN_PIXELS && {
        plain: { width, height, channels: type === 0 ? 1 : 3, data: dataOf(chunks) },
      }),
  };
}

function dataOf(chunks: readonly Chunk[]): Uint8Array[] {
  return chunks.filter(({ type }) => type === 'IDAT').map(({ bytes }) => bytes.subarray(8, -4));
}

function* chunksOf(bytes: Buffer, where: string | undefined): Generator<Chunk> {
  let at = SIGNATURE_BYTES;
  while (at < bytes.length) {
    const end = at + 8 <= bytes.length ? at + CHUNK_BYTES + bytes.readUInt32BE(at) : Infinity;
    if (end > bytes.length) throw new ImageError({ what: 'is truncated', where });
    const type = bytes.toString('latin1', at + 4, at + 8);
    const isValid = crc32(bytes.subarray(at + 4, end - 4)) === bytes.readUInt32BE(end - 4);
    yield { type, bytes: bytes.subarray(at, end), isValid };
    if (type === 'IEND') return;
    at = end;
  }
}

/** Critical chunks of the standard (section 5.4); there is one header, and it is the first. */
function isExpected(type: string, index: number): boolean {
  return type === 'IHDR' ? index === 0 : ['PLTE', 'IDAT', 'IEND'].includes(type);
}

function isCritical(type: string): boolean {
  return (type.charCodeAt(0) & 0x20) === 0;
}

/** Whether pixels depend on a chunk. */
function isNeeded(type: string): boolean {
  return isCritical(type) || type === 'tRNS';
}
