/** Reads the segments and the entropy-coded bits of a JPEG stream (ITU-T T.81). */
import { ImageError } from '../../core/errors.js';

export interface JpegComponent {
  id: number;
  /** Sampling factors. */
  h: number;
  v: number;
  quantization: number;
}

export interface JpegFrame {
  /** Second byte of the frame marker: 0xc0 baseline, 0xc1 extended, 0xc3 lossless, ... */
  marker: number;
  precision: number;
  width: number;
  height: number;
  components: JpegComponent[];
}

export interface JpegSegment {
  marker: number;
  /** Offset of the marker, and range of its parameters. */
  at: number;
  start: number;
  end: number;
}

/** Lists the segments up to and with the first scan. @throws ImageError when they are malformed. */
export function listSegments(jpeg: Uint8Array): JpegSegment[] {
  if (jpeg[0] !== 0xff || jpeg[1] !== 0xd8) throw corrupt('its JPEG stream has no start');
  const segments: JpegSegment[] = [];
  let at = 2;
  while (segments.at(-1)?.marker !== 0xda) {
    while (jpeg[at] === 0xff && jpeg[at + 1] === 0xff) at++;
    const segment = readSegment(jpeg, at);
    segments.push(segment);
    at = segment.end;
  }
  return segments;
}

/** The segment at an offset. */
export function readSegment(jpeg: Uint8Array, at: number): JpegSegment {
  if (at + 4 > jpeg.length) throw truncated();
  if (jpeg[at] !== 0xff) throw corrupt('a JPEG segment has no marker');
  const end = at + 2 + ((jpeg[at + 2] as number) << 8) + (jpeg[at + 3] as number);
  if (end > jpeg.length) throw truncated();
  if (end < at + 4) throw corrupt('a JPEG segment has no length');
  return { marker: jpeg[at + 1] as number, at, start: at + 4, end };
}

/** Whether a marker begins a frame of a process of T.81. */
export function isFrameMarker(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

/** @param isFrame whether a marker begins a frame. Default: the processes of T.81. */
export function readFrame(
  jpeg: Uint8Array,
  segments: readonly JpegSegment[],
  isFrame: (marker: number) => boolean = isFrameMarker,
): JpegFrame {
  const segment = segments.find(({ marker }) => isFrame(marker));
  if (!segment) throw corrupt('its JPEG stream has no frame');
  const body = jpeg.subarray(segment.start, segment.end);
  const count = body[5] ?? 0;
  if (body.length < 6 + 3 * count || count === 0) throw corrupt('a JPEG frame has no components');
  return {
    marker: segment.marker,
    precision: body[0] as number,
    height: ((body[1] as number) << 8) | (body[2] as number),
    width: ((body[3] as number) << 8) | (body[4] as number),
    components: Array.from({ length: count }, (_, i) => {
      const [id, factors, quantization] = body.subarray(6 + 3 * i) as unknown as [number, number, number];
      const [h, v] = [factors >> 4, factors & 15];
      if (h < 1 || h > 4 || v < 1 || v > 4) throw corrupt('a JPEG component has no size');
      return { id, h, v, quantization };
    }),
  };
}

/** A Huffman code: symbols by a table over 16 bits. */
export interface HuffmanTable {
  /** For each 16-bit prefix: 256 * length + symbol; 0 for no code. */
  lookup: Uint16Array;
}

/** Reads a DHT segment. Keys are class * 16 + destination. */
export function readHuffmanTables(body: Uint8Array, tables: Map<number, HuffmanTable>): void {
  for (let offset = 0; offset + 17 <= body.length; ) {
    const key = body[offset] as number;
    const counts = body.subarray(offset + 1, offset + 17);
    const lookup = new Uint16Array(65536);
    let [code, symbol] = [0, offset + 17];
    for (let length = 1; length <= 16; length++) {
      for (let i = 0; i < (counts[length - 1] as number); i++) {
        const span = 1 << (16 - length);
        if (code + span > 65536 || symbol >= body.length) throw corrupt('a Huffman table is too large');
        lookup.fill(256 * length + (body[symbol++] as number), code, code + span);
        code += span;
      }
    }
    tables.set(key, { lookup });
    offset = symbol;
  }
}

/** The components of a scan, with their Huffman tables, and its four parameters. */
export function readScan(jpeg: Uint8Array, { start, end }: JpegSegment) {
  const body = jpeg.subarray(start, end);
  const count = body[0] ?? 0;
  if (count === 0 || count > 4 || body.length < 1 + 2 * count + 3) throw corrupt('a JPEG scan is malformed');
  const parts = Array.from({ length: count }, (_, i) => ({
    id: body[1 + 2 * i] as number,
    dc: (body[2 + 2 * i] as number) >> 4,
    ac: (body[2 + 2 * i] as number) & 15,
  }));
  const [spectralStart, spectralEnd, approximation] = body.subarray(1 + 2 * count) as unknown as number[];
  return {
    parts,
    spectralStart: spectralStart as number,
    spectralEnd: spectralEnd as number,
    pointTransform: (approximation as number) & 15,
  };
}

/** Reads bits of a scan, removing stuffed bytes. */
export class BitReader {
  private buffer = 0;
  private bits = 0;

  constructor(
    private readonly jpeg: Uint8Array,
    public offset: number,
  ) {}

  /** The symbol of the next code. */
  decode({ lookup }: HuffmanTable): number {
    while (this.bits < 16) this.fill();
    const entry = lookup[(this.buffer >>> (this.bits - 16)) & 0xffff] as number;
    if (entry === 0) throw corrupt('a Huffman code is not in its table');
    this.take(entry >> 8);
    return entry & 0xff;
  }

  /** A difference of the given category (T.81 table F.1). */
  receive(category: number): number {
    if (category === 0) return 0;
    while (this.bits < category) this.fill();
    const value = (this.buffer >>> (this.bits - category)) & ((1 << category) - 1);
    this.take(category);
    return value < 1 << (category - 1) ? value - (1 << category) + 1 : value;
  }

  /** Skips to the restart marker, which must come next. */
  restart(): void {
    [this.buffer, this.bits, this.padding] = [0, 0, 0];
    const [a, b] = [this.jpeg[this.offset], this.jpeg[this.offset + 1] as number];
    if (a !== 0xff || b < 0xd0 || b > 0xd7) throw corrupt('a JPEG restart marker is missing');
    this.offset += 2;
  }

  /** Zeros that were added after the end of the scan. */
  private padding = 0;

  private take(bits: number): void {
    this.bits -= bits;
    if (this.bits < this.padding) throw truncated();
    this.buffer &= this.bits === 0 ? 0 : 0xffffffff >>> (32 - this.bits);
  }

  private fill(): void {
    let byte = this.jpeg[this.offset];
    const isEnd = byte === undefined || (byte === 0xff && this.jpeg[this.offset + 1] !== 0);
    if (isEnd) {
      // Codes are looked up 16 bits at a time; padding that is really used is an error.
      byte = 0;
      this.padding += 8;
    } else {
      this.offset += byte === 0xff ? 2 : 1;
    }
    this.buffer = (this.buffer << 8) | (byte as number);
    this.bits += 8;
  }
}

export function corrupt(what: string): ImageError {
  return new ImageError({ what: `is corrupt: ${what}` });
}

export function truncated(): ImageError {
  return new ImageError({ what: 'is truncated: its JPEG stream ends early' });
}
