/**
 * Follows the Huffman codes of a sequential JPEG (ITU-T T.81, annex F) without computing pixels:
 * whether every block of the image is there. Used when a decoder warns without saying of what.
 */

interface Component {
  id: number;
  horizontal: number;
  vertical: number;
}

/** A Huffman table: symbol and length of every prefix of 16 bits, or 0. */
type Table = Uint16Array;

interface State {
  width: number;
  height: number;
  components: Component[];
  /** By class and destination: 0x00 to 0x03 for DC, 0x10 to 0x13 for AC. */
  tables: Map<number, Table>;
  restartInterval: number;
}

const LONGEST_CODE = 16;

/** @returns false when a scan ends early or has an invalid code, or the file is not sequential */
export function hasAllBlocks(file: Uint8Array): boolean {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const state: State = { width: 0, height: 0, components: [], tables: new Map(), restartInterval: 0 };
  let at = 2;
  let scans = 0;
  while (at + 4 <= bytes.length) {
    const code = bytes[at + 1] as number;
    if (bytes[at] !== 0xff || code === 0xff) {
      at++;
      continue;
    }
    if (code === 0xd9) break;
    const end = at + 2 + bytes.readUInt16BE(at + 2);
    const segment = bytes.subarray(at + 4, end);
    at = end;
    if (code === 0xc0 || code === 0xc1) readFrame(segment, state);
    else if (code === 0xc4) readTables(segment, state.tables);
    else if (code === 0xdd) state.restartInterval = segment.readUInt16BE(0);
    else if (code === 0xda) {
      const stop = followScan(bytes, at, segment, state);
      if (stop === null) return false;
      at = stop;
      scans++;
    }
  }
  return scans > 0;
}

function readFrame(segment: Buffer, state: State): void {
  state.height = segment.readUInt16BE(1);
  state.width = segment.readUInt16BE(3);
  state.components = Array.from({ length: segment[5] as number }, (_, i) => {
    const factors = segment[7 + 3 * i] as number;
    return { id: segment[6 + 3 * i] as number, horizontal: factors >> 4, vertical: factors & 15 };
  });
}

/** Tables follow one another in a segment (section B.2.4.2, codes as in annex C). */
function readTables(segment: Buffer, tables: Map<number, Table>): void {
  let at = 0;
  while (at + 17 <= segment.length) {
    const counts = segment.subarray(at + 1, at + 17);
    const table = new Uint16Array(2 ** LONGEST_CODE);
    let symbol = at + 17;
    let prefix = 0;
    for (const [index, count] of counts.entries()) {
      const span = 2 ** (LONGEST_CODE - 1 - index);
      for (let i = 0; i < count; i++, prefix += span)
        table.fill(((segment[symbol++] ?? 0) << 5) | (index + 1), prefix, prefix + span);
    }
    tables.set(segment[at] as number, table);
    at = symbol;
  }
}

/** @returns the offset after the last block, or null when a block is missing */
function followScan(bytes: Buffer, from: number, header: Buffer, state: State): number | null {
  const { width, height, components, tables, restartInterval } = state;
  const [most, tallest] = [
    Math.max(...components.map(({ horizontal }) => horizontal)),
    Math.max(...components.map(({ vertical }) => vertical)),
  ];
  const blocks: { dc: Table; ac: Table; count: number }[] = [];
  let units = Math.ceil(width / (8 * most)) * Math.ceil(height / (8 * tallest));
  const count = header[0] as number;
  for (let i = 0; i < count; i++) {
    const component = components.find(({ id }) => id === header[1 + 2 * i]);
    const selectors = header[2 + 2 * i] ?? 0;
    const [dc, ac] = [tables.get(selectors >> 4), tables.get(0x10 | (selectors & 15))];
    if (!component || !dc || !ac) return null;
    const { horizontal, vertical } = component;
    blocks.push({ dc, ac, count: count === 1 ? 1 : horizontal * vertical });
    if (count === 1)
      units = Math.ceil((width * horizontal) / (8 * most)) * Math.ceil((height * vertical) / (8 * tallest));
  }
  const reader = new BitReader(bytes, from);
  for (let unit = 0; unit < units; unit++) {
    if (restartInterval > 0 && unit > 0 && unit % restartInterval === 0 && !reader.restart()) return null;
    for (const { dc, ac, count: repeats } of blocks)
      for (let i = 0; i < repeats; i++) if (!followBlock(reader, dc, ac)) return null;
  }
  return reader.at;
}

/** Section F.2.2. @returns false for an invalid code, or at the end of the data */
function followBlock(reader: BitReader, dc: Table, ac: Table): boolean {
  const difference = reader.symbol(dc);
  if (difference === null || !reader.skip(difference)) return false;
  for (let k = 1; k < 64; k++) {
    const code = reader.symbol(ac);
    if (code === null || !reader.skip(code & 15)) return false;
    if (code === 0) return true;
    k += code >> 4;
  }
  return true;
}

/** Reads bits of entropy-coded data, in which FF is followed by 00 (section B.1.1.5). */
class BitReader {
  readonly #bytes: Buffer;
  /** Offset of the next byte. */
  at: number;
  #bits = 0;
  #count = 0;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  /** Decodes one symbol, or null when the code is invalid or incomplete. */
  symbol(table: Table): number | null {
    while (this.#count < LONGEST_CODE && this.#load());
    const missing = Math.max(0, LONGEST_CODE - this.#count);
    const prefix = ((this.#bits << missing) >>> Math.max(0, this.#count - LONGEST_CODE)) & 0xffff;
    const entry = table[prefix] as number;
    return entry > 0 && this.skip(entry & 31) ? entry >> 5 : null;
  }

  /** @returns false when the data has fewer bits */
  skip(bits: number): boolean {
    while (this.#count < bits && this.#load());
    if (this.#count < bits) return false;
    this.#count -= bits;
    this.#bits &= (1 << this.#count) - 1;
    return true;
  }

  /** Passes a restart marker. */
  restart(): boolean {
    this.#count = 0;
    this.#bits = 0;
    const isMarker = this.#bytes[this.at] === 0xff && ((this.#bytes[this.at + 1] ?? 0) & 0xf8) === 0xd0;
    if (isMarker) this.at += 2;
    return isMarker;
  }

  #load(): boolean {
    const byte = this.#bytes[this.at];
    if (byte === undefined || (byte === 0xff && this.#bytes[this.at + 1] !== 0)) return false;
    this.at += byte === 0xff ? 2 : 1;
    this.#bits = (this.#bits << 8) | byte;
    this.#count += 8;
    return true;
  }
}
