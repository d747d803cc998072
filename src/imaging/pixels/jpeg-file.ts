/**
 * Reads the structure of a JPEG file (ITU-T T.81, annex B) to its end: what kind of JPEG it is,
 * whether it is complete, and which faults are harmless.
 */
import { ImageError } from '../../core/errors.js';
import { hasAllBlocks } from './jpeg-entropy.js';
import { endOfScan, isStandalone, linesAfterScan } from './jpeg-height.js';
import type { Inspection } from './inspection.js';

const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;
const APP0 = 0xe0;
const APP1 = 0xe1;
const APP14 = 0xee;
const JPEG_LS = 0xf7;

/** Processes that are not decoded, by their start-of-frame marker (table B.1). */
const UNSUPPORTED: Record<number, string> = {
  195: 'a lossless JPEG',
  197: 'a hierarchical JPEG',
  198: 'a hierarchical JPEG',
  199: 'a hierarchical JPEG',
  203: 'a lossless JPEG',
  205: 'a hierarchical JPEG',
  206: 'a hierarchical JPEG',
  207: 'a hierarchical JPEG',
  [JPEG_LS]: 'a JPEG-LS file',
};

interface Frame {
  /** Offset of its height. */
  at: number;
  width: number;
  height: number;
  components: number;
  isProgressive: boolean;
}

/** A change of the file that makes it conform to the standard. */
interface Repair {
  /** null where the file conforms, and decoders do not. */
  note: string | null;
  at: number;
  /** Number of bytes that are replaced. */
  length: number;
  bytes: readonly number[];
}

/** @throws ImageError when the file is truncated, or of a kind that is not decoded. */
export function inspectJpeg(file: Uint8Array, where?: string): Inspection {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const repairs: Repair[] = [];
  let hasExif = false;
  let frame: Frame | undefined;
  let scans = 0;
  let scanned = 0;
  let at = 2;
  for (;;) {
    const marker = nextMarker(bytes, at);
    if (marker === null) break;
    if (marker.skipped > 0)
      repairs.push({ note: 'bytes between segments', at, length: marker.skipped, bytes: [] });
    at = marker.at;
    if (marker.code === EOI) return finish(file, { frame, hasExif, repairs }, where);
    if (marker.code === SOI || isStandalone(marker.code)) continue;
    const length = at + 2 <= bytes.length ? bytes.readUInt16BE(at) : 2;
    const segment = bytes.subarray(at + 2, at + length);
    if (at + length > bytes.length) break;
    hasExif ||= marker.code === APP1;
    if (isFrame(marker.code)) frame = readFrame(marker.code, segment, at + 3, where);
    repairs.push(...repairSegment(marker.code, segment, at + 2, frame));
    at += length;
    if (marker.code !== SOS) continue;
    scans++;
    scanned += segment[0] ?? 0;
    at = endOfScan(bytes, at);
    if (frame?.height === 0) repairs.push(...giveHeight(frame, linesAfterScan(bytes, at)));
  }
  // Without its end, a file is complete only if one scan has all of the image.
  const isOneScan = frame && !frame.isProgressive && scans === 1 && scanned === frame.components;
  if (!isOneScan || !hasAllBlocks(repaired(file, repairs)))
    throw new ImageError({ what: 'is truncated', where });
  const end = { note: 'no end marker', at: bytes.length, length: 0, bytes: [0xff, EOI] };
  return finish(file, { frame, hasExif, repairs: [...repairs, end] }, where);
}

/** Finds the next marker. @returns its code and the offset after it; null at the end of the file */
function nextMarker(bytes: Buffer, from: number): { code: number; at: number; skipped: number } | null {
  let at = bytes.indexOf(0xff, from);
  const skipped = at - from;
  while (at >= 0 && bytes[at] === 0xff) at++;
  const code = at < 0 ? undefined : bytes[at];
  if (code === undefined) return null;
  if (code !== 0) return { code, at: at + 1, skipped };
  const next = nextMarker(bytes, at);
  return next && { ...next, skipped: next.skipped + at - from };
}

/** Writes the height into the frame: no decoder of ours looks for it after the scan. */
function giveHeight(frame: Frame, lines: number | null): Repair[] {
  if (lines === null) return [];
  frame.height = lines;
  return [{ note: null, at: frame.at, length: 2, bytes: [lines >> 8, lines & 0xff] }];
}

function isFrame(code: number): boolean {
  return (code >= 0xc0 && code <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(code)) || code === JPEG_LS;
}

function readFrame(code: number, segment: Buffer, heightAt: number, where: string | undefined): Frame {
  const kind = UNSUPPORTED[code];
  const bits = segment[0] ?? 0;
  if (segment.length < 6 || bits < 2 || bits > 16) throw new ImageError({ what: 'is corrupt', where });
  if (kind || bits !== 8)
    throw new ImageError({
      what: `is ${kind ?? `a ${bits}-bit JPEG`}, which is not supported`,
      where,
      hint: 'Convert it to PNG.',
    });
  return {
    at: heightAt,
    height: segment.readUInt16BE(1),
    width: segment.readUInt16BE(3),
    components: segment[5] as number,
    isProgressive: code === 0xc2 || code === 0xca,
  };
}

/** Faults of a segment that a decoder warns of, although they do not change the pixels. */
function repairSegment(code: number, segment: Buffer, at: number, frame: Frame | undefined): Repair[] {
  const name = segment.subarray(0, 5).toString('latin1');
  if (code === APP0 && name === 'JFIF\0' && segment.length >= 14 && segment[5] !== 1)
    return [{ note: 'unknown JFIF version', at: at + 5, length: 1, bytes: [1] }];
  if (code === APP14 && name === 'Adobe' && segment.length >= 12 && (segment[11] as number) > 2)
    return [{ note: 'unknown Adobe color transform', at: at + 11, length: 1, bytes: [1] }];
  if (code !== SOS || frame === undefined || frame.isProgressive) return [];
  // Samsung's cameras write other values; a sequential scan always has all coefficients.
  const parameters = at + segment.length - 3;
  const isStandard = segment.subarray(-3).equals(Buffer.from([0, 63, 0]));
  return isStandard || segment.length < 6
    ? []
    : [{ note: 'invalid scan parameters', at: parameters, length: 3, bytes: [0, 63, 0] }];
}

function finish(
  file: Uint8Array,
  { frame, hasExif, repairs }: { frame: Frame | undefined; hasExif: boolean; repairs: readonly Repair[] },
  where: string | undefined,
): Inspection {
  if (frame === undefined) throw new ImageError({ what: 'is corrupt', where });
  const { width, height, components, isProgressive } = frame;
  if (height === 0) throw new ImageError({ what: 'is a JPEG without height', where });
  return {
    format: 'jpeg',
    bytes: repairs.length === 0 ? file : repaired(file, repairs),
    notes: [...new Set(repairs.map(({ note }) => note))].filter((note) => note !== null),
    width,
    height,
    samples: { space: components === 1 ? 'gray' : components === 4 ? 'cmyk' : 'rgb', bits: 8 },
    hasAlpha: false,
    hasExif,
    isWhole: isProgressive,
  };
}

/** A copy of the file with the repairs. */
function repaired(file: Uint8Array, repairs: readonly Repair[]): Uint8Array {
  const parts: Uint8Array[] = [];
  let done = 0;
  for (const { at, length, bytes } of [...repairs].sort((a, b) => a.at - b.at)) {
    parts.push(file.subarray(done, at), Uint8Array.from(bytes));
    done = at + length;
  }
  return Buffer.concat([...parts, file.subarray(done)]);
}
