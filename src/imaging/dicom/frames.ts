/** Finds the bytes of one frame in the pixel data of a DICOM file (PS3.5 section A.4). */
import { ImageError } from '../../core/errors.js';
import type { DicomDataSet } from './data-set.js';
import { ITEM, PIXEL_DATA, plainBytes, SEQUENCE_END } from './elements.js';
import type { DicomFile } from './file.js';
import { bitsOfFrame, type ImageDescription } from './image-description.js';

/**
 * Which frame of a file with several is used; numbers start at 0. `ofAll`: every frame is used, and
 * this is one of them.
 */
export type FrameChoice = 'first' | 'middle' | number | { ofAll: number };

const EXTENDED_OFFSET_TABLE = 0x7fe00001;
/** Fragments of one file; a film of an hour has 10^5. */
const MAX_FRAGMENTS = 1_000_000;

/** @throws ImageError when there is no such frame. */
export function frameIndex(choice: FrameChoice, { frames }: ImageDescription): number {
  if (choice === 'first') return 0;
  if (choice === 'middle') return Math.floor(frames / 2);
  const number = typeof choice === 'number' ? choice : choice.ofAll;
  if (number < frames) return number;
  throw new ImageError({
    what: `has ${frames} ${frames === 1 ? 'frame' : 'frames'}, but frame ${number} is requested`,
    hint: 'Frames are counted from 0. Change preprocess.dicom.frames (--dicom-frames).',
  });
}

/** Bytes of a native frame, which may begin within a byte when a sample has 1 bit. */
export interface NativeFrame {
  bytes: Uint8Array;
  /** Bits to skip at the start. */
  firstBit: number;
}

/**
 * Number of frames whose pixels can be there: at most the declared number, which may be any. Of a
 * truncated file it is one more than are whole, so that the file has an image that says so.
 *
 * @throws ImageError when the pixels are damaged.
 */
export function countFrames({ dataSet, syntax }: DicomFile, image: ImageDescription): number {
  const pixels = dataSet.find(PIXEL_DATA);
  const isNative = syntax.codec === 'native' || (pixels && pixels.length >= 0);
  const whole = isNative
    ? Math.floor((8 * pixelBytes(dataSet, image.bitsAllocated).byteLength) / bitsOfFrame(image))
    : readFragments(dataSet).fragments.length;
  return Math.min(image.frames, whole + 1);
}

/** @throws ImageError when the pixel data end before the frame does. */
export function nativeFrame(dataSet: DicomDataSet, image: ImageDescription, frame: number): NativeFrame {
  const bits = bitsOfFrame(image);
  const bytes = pixelBytes(dataSet, image.bitsAllocated);
  const [first, end] = [Math.floor((frame * bits) / 8), Math.ceil(((frame + 1) * bits) / 8)];
  if (end <= bytes.byteLength) return { bytes: bytes.subarray(first, end), firstBit: (frame * bits) % 8 };
  throw new ImageError({ what: `is truncated: ${bytes.byteLength} of ${end} bytes of pixels are there` });
}

function pixelBytes(dataSet: DicomDataSet, bitsAllocated: number): Uint8Array {
  const element = dataSet.find(PIXEL_DATA);
  if (!element || element.length < 0) throw new ImageError({ what: 'is corrupt: its pixels have no length' });
  const bytes = dataSet.bytes(PIXEL_DATA);
  // Bytes that are stored as words are in the order of words.
  const isSwapped = !dataSet.cursor.encoding.isLittleEndian && element.vr === 'OW' && bitsAllocated === 8;
  if (!isSwapped || bytes.length % 2 !== 0) return bytes;
  const copy = Buffer.from(bytes);
  return plainBytes(copy.swap16());
}

interface Fragment {
  /** Offset of its item from the first item after the offset table. */
  at: number;
  bytes: Uint8Array;
}

/** A compressed frame. */
export interface EncapsulatedFrame {
  bytes: Uint8Array;
  /** A fault of the file that does not change the frame. */
  fault: string | null;
}

/** @throws ImageError when the frame is not there as a whole. */
export function encapsulatedFrame(dataSet: DicomDataSet, frames: number, frame: number): EncapsulatedFrame {
  const { offsets, fragments } = readFragments(dataSet);
  if (fragments.length === 0) throw new ImageError({ what: 'is corrupt: its pixel data are empty' });
  const isWrong = offsets.length > 0 && !fitsFragments(offsets, fragments, frames);
  const fault = isWrong ? 'DICOM with a wrong table of frame offsets' : null;
  if (frames === 1) return { bytes: concat(fragments), fault };
  if (fragments.length === frames) return { bytes: (fragments[frame] as Fragment).bytes, fault };
  const starts = offsets.length > 0 && !isWrong ? offsets : frameStarts(fragments);
  // Frames that cannot be told apart are not taken for others.
  if (isWrong && starts.length !== frames)
    throw new ImageError({ what: 'is corrupt: its table of frame offsets is wrong' });
  const [start, end] = [starts[frame], starts[frame + 1] ?? Number.POSITIVE_INFINITY];
  const parts = fragments.filter(({ at }) => start !== undefined && at >= start && at < end);
  if (parts.length > 0) return { bytes: concat(parts), fault };
  throw new ImageError({ what: `is corrupt: frame ${frame} of ${frames} is not among its fragments` });
}

/** Whether each offset is that of a fragment, in their order, and of one that can begin a frame. */
function fitsFragments(offsets: readonly number[], fragments: readonly Fragment[], frames: number): boolean {
  if (offsets.length !== frames || offsets[0] !== 0) return false;
  const byOffset = new Map(fragments.map((fragment) => [fragment.at, fragment]));
  const areStreams = fragments.some(beginsStream);
  return offsets.every((at, i) => {
    const fragment = byOffset.get(at);
    return (
      fragment && (i === 0 || at > (offsets[i - 1] as number)) && (!areStreams || beginsStream(fragment))
    );
  });
}

function readFragments(dataSet: DicomDataSet): { offsets: number[]; fragments: Fragment[] } {
  const { cursor } = dataSet;
  const { bytes } = cursor;
  const start = dataSet.find(PIXEL_DATA)?.offset ?? bytes.byteLength;
  const table = item(start);
  if (table?.tag !== ITEM) throw new ImageError({ what: 'is corrupt: its compressed pixels have no items' });
  const first = table.offset + table.length;
  const fragments: Fragment[] = [];
  for (let offset = first; ; ) {
    // A missing end is harmless when the last fragment is whole.
    if (offset === bytes.byteLength && fragments.length > 0) break;
    const next = item(offset);
    if (next?.tag === SEQUENCE_END) break;
    if (next?.tag !== ITEM)
      throw new ImageError({ what: 'is corrupt: a fragment of its pixels has no item' });
    if (fragments.length >= MAX_FRAGMENTS)
      throw new ImageError({ what: `has more than ${MAX_FRAGMENTS} fragments of pixels` });
    fragments.push({ at: offset - first, bytes: bytes.subarray(next.offset, next.offset + next.length) });
    offset = next.offset + next.length;
  }
  return { offsets: offsetTable(dataSet, bytes.subarray(table.offset, first)), fragments };

  function item(offset: number) {
    const header = cursor.header(offset, bytes.byteLength);
    if (header === null || header.offset + header.length > bytes.byteLength)
      throw new ImageError({ what: 'is truncated: its compressed pixels end early' });
    return header;
  }
}

/** The extended table (64-bit) where there is one, else the basic one (32-bit). */
function offsetTable(dataSet: DicomDataSet, basic: Uint8Array): number[] {
  const extended = dataSet.bytes(EXTENDED_OFFSET_TABLE);
  const table = extended.byteLength > 0 ? extended : basic;
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  return table === basic
    ? Array.from({ length: Math.floor(basic.byteLength / 4) }, (_, i) => view.getUint32(4 * i, true))
    : Array.from({ length: Math.floor(extended.byteLength / 8) }, (_, i) =>
        Number(view.getBigUint64(8 * i, true)),
      );
}

/** Without a table, a frame starts where a code stream does. */
function frameStarts(fragments: readonly Fragment[]): number[] {
  return fragments.filter(beginsStream).map(({ at }) => at);
}

/** Whether a code stream starts: JPEG and JPEG-LS, or JPEG 2000. */
function beginsStream({ bytes: [a, b] }: Fragment): boolean {
  return a === 0xff && (b === 0xd8 || b === 0x4f);
}

function concat(fragments: Fragment[]): Uint8Array {
  const [only] = fragments;
  return fragments.length === 1 && only
    ? only.bytes
    : plainBytes(Buffer.concat(fragments.map(({ bytes }) => bytes)));
}
