/**
 * Decodes sequential JPEG with 12-bit samples (ITU-T T.81 annex F), which libjpeg-turbo as built
 * into sharp does not.
 */
import {
  BitReader,
  corrupt,
  type HuffmanTable,
  type JpegComponent,
  type JpegFrame,
  type JpegSegment,
  readHuffmanTables,
  readScan,
  readSegment,
  truncated,
} from '../pixels/jpeg-stream.js';

const [DHT, SOS, DQT, DRI] = [0xc4, 0xda, 0xdb, 0xdd];
/** Key of AC tables among the Huffman tables. */
const AC = 16;

/** A component with its samples, in whole blocks. */
interface Plane extends JpegComponent {
  blocksPerRow: number;
  samples: Int16Array;
  stride: number;
  previousDc: number;
}

/** @returns [height, width, components] samples. @throws ImageError */
export function decodeJpegExtended(
  jpeg: Uint8Array,
  frame: JpegFrame,
  segments: readonly JpegSegment[],
): Uint16Array {
  const planes = frame.components.map((component) => makePlane(component, frame));
  const huffman = new Map<number, HuffmanTable>();
  const quantization = new Map<number, Float64Array>();
  const done = new Set<number>();
  let restartInterval = 0;
  let segment = segments[0];
  for (let i = 0; segment; i++) {
    const body = jpeg.subarray(segment.start, segment.end);
    if (segment.marker === DHT) readHuffmanTables(body, huffman);
    if (segment.marker === DQT) readQuantization(body, quantization);
    if (segment.marker === DRI) restartInterval = ((body[0] ?? 0) << 8) | (body[1] ?? 0);
    let after = segment.end;
    if (segment.marker === SOS) {
      const parts = readScan(jpeg, segment).parts.map(({ id, dc, ac }) => {
        const plane = planes.find((one) => one.id === id);
        const tables = { dc: huffman.get(dc), ac: huffman.get(AC + ac) };
        const table = plane && quantization.get(plane.quantization);
        if (!plane || !tables.dc || !tables.ac || !table)
          throw corrupt('a JPEG scan names a component or table that is not there');
        done.add(id);
        return { plane, dc: tables.dc, ac: tables.ac, table };
      });
      const bits = new BitReader(jpeg, segment.end);
      decodeScan(bits, parts, frame, restartInterval);
      if (done.size === planes.length) return interleave(planes, frame);
      after = bits.offset;
    }
    segment = segments[i + 1] ?? readSegment(jpeg, after);
  }
  throw truncated();
}

function largestFactors({ components }: JpegFrame): { h: number; v: number } {
  return {
    h: Math.max(...components.map(({ h }) => h)),
    v: Math.max(...components.map(({ v }) => v)),
  };
}

function makePlane(component: JpegComponent, frame: JpegFrame): Plane {
  const most = largestFactors(frame);
  const blocksPerRow = Math.ceil(frame.width / (8 * most.h)) * component.h;
  const blocksPerColumn = Math.ceil(frame.height / (8 * most.v)) * component.v;
  const samples = new Int16Array(blocksPerRow * blocksPerColumn * 64);
  return { ...component, blocksPerRow, stride: blocksPerRow * 8, samples, previousDc: 0 };
}

/** In zigzag order. */
function readQuantization(body: Uint8Array, tables: Map<number, Float64Array>): void {
  for (let offset = 0; offset < body.length; ) {
    const info = body[offset] as number;
    const bytes = info >> 4 === 0 ? 1 : 2;
    if (offset + 1 + 64 * bytes > body.length) throw corrupt('a quantization table is too short');
    const table = new Float64Array(64);
    for (let i = 0; i < 64; i++) {
      const at = offset + 1 + i * bytes;
      table[i] = bytes === 1 ? (body[at] as number) : ((body[at] as number) << 8) | (body[at + 1] as number);
    }
    tables.set(info & 15, table);
    offset += 1 + 64 * bytes;
  }
}

interface ScanPart {
  plane: Plane;
  dc: HuffmanTable;
  ac: HuffmanTable;
  table: Float64Array;
}

function decodeScan(bits: BitReader, parts: ScanPart[], frame: JpegFrame, restartInterval: number): void {
  const most = largestFactors(frame);
  const [only] = parts;
  const isSingle = parts.length === 1 && only !== undefined;
  // The units of a scan of one component are its blocks (T.81 section A.2).
  const across = isSingle
    ? Math.ceil((frame.width * only.plane.h) / most.h / 8)
    : Math.ceil(frame.width / (8 * most.h));
  const down = isSingle
    ? Math.ceil((frame.height * only.plane.v) / most.v / 8)
    : Math.ceil(frame.height / (8 * most.v));
  for (const { plane } of parts) plane.previousDc = 0;
  const block = new Float64Array(64);
  for (let unit = 0; unit < across * down; unit++) {
    if (restartInterval > 0 && unit > 0 && unit % restartInterval === 0) {
      bits.restart();
      for (const { plane } of parts) plane.previousDc = 0;
    }
    const [column, row] = [unit % across, Math.floor(unit / across)];
    for (const part of parts) {
      const [h, v] = isSingle ? [1, 1] : [part.plane.h, part.plane.v];
      for (let y = 0; y < v; y++) {
        for (let x = 0; x < h; x++) {
          readBlock(bits, part, block);
          storeBlock(block, part.plane, column * h + x, row * v + y, frame.precision);
        }
      }
    }
  }
}

/** Position of the k-th coefficient of the zigzag order within the block. */
const ZIGZAG = makeZigzag();

function makeZigzag(): Uint8Array {
  const order = Array.from({ length: 64 }, (_, i) => i);
  const diagonal = (i: number) => (i >> 3) + (i & 7);
  // Diagonals alternate in direction; even ones go up.
  order.sort((a, b) => diagonal(a) - diagonal(b) || (diagonal(a) % 2 === 0 ? b - a : a - b));
  return Uint8Array.from(order);
}

/** Reads the dequantized coefficients of a block. */
function readBlock(bits: BitReader, { plane, dc, ac, table }: ScanPart, block: Float64Array): void {
  block.fill(0);
  const category = bits.decode(dc);
  if (category > 16) throw corrupt('a JPEG coefficient has too many bits');
  plane.previousDc += bits.receive(category);
  block[0] = plane.previousDc * (table[0] as number);
  for (let k = 1; k < 64; k++) {
    const symbol = bits.decode(ac);
    const size = symbol & 15;
    if (size === 0) {
      if (symbol !== 0xf0) return;
      k += 15;
      continue;
    }
    k += symbol >> 4;
    if (k > 63) throw corrupt('a JPEG block has too many coefficients');
    block[ZIGZAG[k] as number] = bits.receive(size) * (table[k] as number);
  }
}

/** COSINES[x * 8 + u]: the basis of the inverse transform (T.81 section A.3.3). */
const COSINES = Float64Array.from({ length: 64 }, (_, i) => {
  const [x, u] = [i >> 3, i & 7];
  return (Math.cos(((2 * x + 1) * u * Math.PI) / 16) * (u === 0 ? Math.SQRT1_2 : 1)) / 2;
});

const rows = new Float64Array(64);

function storeBlock(block: Float64Array, plane: Plane, column: number, row: number, precision: number): void {
  const most = 2 ** precision - 1;
  const shift = 2 ** (precision - 1);
  for (let v = 0; v < 8; v++) {
    for (let x = 0; x < 8; x++) {
      let sum = 0;
      for (let u = 0; u < 8; u++) sum += (COSINES[x * 8 + u] as number) * (block[v * 8 + u] as number);
      rows[v * 8 + x] = sum;
    }
  }
  for (let y = 0; y < 8; y++) {
    const start = (row * 8 + y) * plane.stride + column * 8;
    for (let x = 0; x < 8; x++) {
      let sum = shift;
      for (let v = 0; v < 8; v++) sum += (COSINES[y * 8 + v] as number) * (rows[v * 8 + x] as number);
      plane.samples[start + x] = Math.min(most, Math.max(0, Math.round(sum)));
    }
  }
}

/** Subsampled components are repeated. */
function interleave(planes: readonly Plane[], frame: JpegFrame): Uint16Array {
  const { width, height } = frame;
  const most = largestFactors(frame);
  const out = new Uint16Array(width * height * planes.length);
  for (const [index, { samples, stride, h, v }] of planes.entries()) {
    for (let y = 0; y < height; y++) {
      const start = Math.floor((y * v) / most.v) * stride;
      for (let x = 0; x < width; x++)
        out[(y * width + x) * planes.length + index] = samples[
          start + Math.floor((x * h) / most.h)
        ] as number;
    }
  }
  return out;
}
