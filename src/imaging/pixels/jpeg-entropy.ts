/**
 * Follows the Huffman codes of a sequential JPEG (ITU-T T.81, annex F) without computing pixels:
 * whether every block of the image is there. Used when a decoder warns without saying of what.
 */
import { ImageError } from '../../core/errors.js';
import {
  BitReader,
  corrupt,
  type HuffmanTable,
  type JpegFrame,
  type JpegSegment,
  readFrame,
  readHuffmanTables,
  readScan,
} from './jpeg-stream.js';

interface State {
  frame: JpegFrame | null;
  /** By class and destination: 0x00 to 0x03 for DC, 0x10 to 0x13 for AC. */
  tables: Map<number, HuffmanTable>;
  restartInterval: number;
}

const [SOF0, SOF1, DHT, EOI, SOS, DRI] = [0xc0, 0xc1, 0xc4, 0xd9, 0xda, 0xdd];
const AC = 0x10;

/** @returns false when a scan ends early or has an invalid code, or the file is not sequential */
export function hasAllBlocks(file: Uint8Array): boolean {
  try {
    return followScans(file) > 0;
  } catch (error) {
    if (error instanceof ImageError) return false;
    throw error;
  }
}

/** @returns the number of scans. Bytes between segments are passed over, as decoders do. */
function followScans(file: Uint8Array): number {
  const state: State = { frame: null, tables: new Map(), restartInterval: 0 };
  let at = 2;
  let scans = 0;
  while (at + 4 <= file.length) {
    const marker = file[at + 1] as number;
    if (file[at] !== 0xff || marker === 0xff) {
      at++;
      continue;
    }
    if (marker === EOI) break;
    const end = at + 2 + uint16(file, at + 2);
    const segment = { marker, at, start: at + 4, end };
    at = end;
    if (marker === SOF0 || marker === SOF1) state.frame = readFrame(file, [segment]);
    if (marker === DHT) readHuffmanTables(file.subarray(segment.start, end), state.tables);
    if (marker === DRI) state.restartInterval = uint16(file, segment.start);
    if (marker === SOS) {
      at = followScan(file, segment, state);
      scans++;
    }
  }
  return scans;
}

/** @returns the offset after the last block. @throws ImageError when a block is missing */
function followScan(file: Uint8Array, segment: JpegSegment, state: State): number {
  const { frame, tables, restartInterval } = state;
  if (!frame) throw corrupt('a JPEG scan has no sequential frame');
  const { width, height, components } = frame;
  const most = Math.max(...components.map(({ h }) => h));
  const tallest = Math.max(...components.map(({ v }) => v));
  let units = Math.ceil(width / (8 * most)) * Math.ceil(height / (8 * tallest));
  const { parts } = readScan(file, segment);
  const blocks = parts.map(({ id, dc, ac }) => {
    const component = components.find((one) => one.id === id);
    const own = { dc: tables.get(dc), ac: tables.get(AC | ac) };
    if (!component || !own.dc || !own.ac)
      throw corrupt('a JPEG scan names a component or table that is not there');
    const { h, v } = component;
    // The units of a scan of one component are its blocks (section A.2).
    if (parts.length === 1)
      units = Math.ceil((width * h) / (8 * most)) * Math.ceil((height * v) / (8 * tallest));
    return { dc: own.dc, ac: own.ac, count: parts.length === 1 ? 1 : h * v };
  });
  const reader = new BitReader(file, segment.end);
  for (let unit = 0; unit < units; unit++) {
    if (restartInterval > 0 && unit > 0 && unit % restartInterval === 0) reader.restart();
    for (const { dc, ac, count } of blocks) for (let i = 0; i < count; i++) followBlock(reader, dc, ac);
  }
  return reader.offset;
}

/** Section F.2.2. @throws ImageError for an invalid code, or at the end of the data */
function followBlock(reader: BitReader, dc: HuffmanTable, ac: HuffmanTable): void {
  reader.receive(reader.decode(dc));
  for (let k = 1; k < 64; k++) {
    const code = reader.decode(ac);
    reader.receive(code & 15);
    if (code === 0) return;
    k += code >> 4;
  }
}

function uint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
