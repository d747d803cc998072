/** Resizes a region of an image with a Lanczos filter, while its rows arrive. */
import { type Taps, lanczosTaps } from './lanczos-taps.js';
import { type Kernel, releaseKernel, takeKernel } from './resample-kernel.js';
import type { Rectangle } from './square.js';

/** Samples of one dot product of the kernel. */
const BLOCK = 8;
const FRACTION_BITS = 22;
/** Rows are resampled in strips of this size, which stay in the cache of a processor. */
const STRIP_BYTES = 2 ** 18;

/** Taps of a pass, as the kernel reads them. */
interface Table {
  firsts: Int32Array;
  weights: Int16Array;
  blocks: number;
}

/** Addresses in the memory of a kernel. */
interface Pass {
  firsts: number;
  weights: number;
  blocks: number;
  outputs: number;
}

/**
 * Antialiased Lanczos resampling with three lobes, about the center: horizontally, then vertically.
 * The values in between are rounded to 8 bits and the result is the same as that of Pillow's
 * `Image.resize` with `LANCZOS`.
 */
export class Resampler {
  readonly #source: Rectangle;
  readonly #size: { width: number; height: number };
  readonly #width: number;
  readonly #channels: 1 | 3;
  readonly #kernel: Kernel;
  readonly #horizontal: Pass;
  readonly #vertical: Pass;
  /** Address of rows of the source; of the columns in between; of the output. */
  readonly #at: { strip: number; columns: number; output: number };
  readonly #stripRows: number;
  #row = 0;

  /**
   * @param width of the rows that will arrive, in pixels.
   * @param source the region of the image that is resized; all of the output comes from it.
   */
  constructor(width: number, channels: 1 | 3, source: Rectangle, size: { width: number; height: number }) {
    this.#width = width;
    this.#channels = channels;
    this.#source = source;
    this.#size = size;
    this.#stripRows = Math.max(1, Math.floor(STRIP_BYTES / source.width));
    const tables = [tableOf(source.width, size.width), tableOf(source.height, size.height)];
    // Dot products read up to one block past the end of a row; the next area follows there.
    const slack = BLOCK * Math.max(...tables.map(({ blocks }) => blocks));
    const areas = layOut([
      ...tables.flatMap(({ firsts, weights }) => [weights.byteLength, firsts.byteLength]),
      this.#stripRows * source.width * channels + slack,
      size.width * source.height * channels + slack,
      size.width * size.height,
    ]);
    this.#kernel = takeKernel(areas.bytes);
    const [horizontal, vertical] = tables.map(({ firsts, weights, blocks }, i) => {
      const [weightsAt, firstsAt] = areas.at.slice(2 * i) as [number, number];
      const memory = this.#kernel.memory.buffer;
      new Int16Array(memory, weightsAt, weights.length).set(weights);
      new Int32Array(memory, firstsAt, firsts.length).set(firsts);
      return { firsts: firstsAt, weights: weightsAt, blocks, outputs: firsts.length };
    });
    this.#horizontal = horizontal as Pass;
    this.#vertical = vertical as Pass;
    const [strip, between, output] = areas.at.slice(4) as [number, number, number];
    this.#at = { strip, columns: between, output };
  }

  /** @param pixels the next rows of the image, whole: [rows, width, channels] uint8. */
  addRows(pixels: Uint8Array): void {
    const rowBytes = this.#width * this.#channels;
    const rows = pixels.length / rowBytes;
    const { top, height } = this.#source;
    const first = Math.max(0, top - this.#row);
    const end = Math.min(rows, top + height - this.#row);
    for (let row = first; row < end; row += this.#stripRows)
      this.#resampleStrip(pixels, row, Math.min(end, row + this.#stripRows));
    this.#row += rows;
  }

  /** Resamples rows of the given pixels horizontally. */
  #resampleStrip(pixels: Uint8Array, from: number, to: number): void {
    const { top, width, height } = this.#source;
    const rows = to - from;
    const done = this.#row + from - top;
    const strip = new Uint8Array(this.#kernel.memory.buffer, this.#at.strip, rows * width * this.#channels);
    for (let row = 0; row < rows; row++) this.#copyRow(pixels, from + row, strip, row * width, rows * width);
    for (let channel = 0; channel < this.#channels; channel++) {
      const source = this.#at.strip + channel * rows * width;
      this.#run(this.#horizontal, source, width, rows, this.#plane(channel) + done, height);
    }
  }

  /** Copies a row of the region, one plane per channel. */
  #copyRow(pixels: Uint8Array, row: number, strip: Uint8Array, at: number, planeBytes: number): void {
    const { left, width } = this.#source;
    const start = (row * this.#width + left) * this.#channels;
    if (this.#channels === 1) {
      strip.set(pixels.subarray(start, start + width), at);
      return;
    }
    for (let x = 0, i = start; x < width; x++, i += 3) {
      strip[at + x] = pixels[i] as number;
      strip[at + planeBytes + x] = pixels[i + 1] as number;
      strip[at + 2 * planeBytes + x] = pixels[i + 2] as number;
    }
  }

  /** @returns the address of the columns of a channel: [output width, source height] */
  #plane(channel: number): number {
    return this.#at.columns + channel * this.#size.width * this.#source.height;
  }

  #run(pass: Pass, source: number, stride: number, rows: number, target: number, pitch: number): void {
    const { firsts, weights, blocks, outputs } = pass;
    this.#kernel.resampleRows(source, stride, rows, firsts, weights, blocks, outputs, target, pitch);
  }

  /**
   * Resamples vertically and releases the memory. Call once, after all rows.
   *
   * @returns [height, width, channels] uint8.
   * @throws Error when rows are missing: the memory has those of an earlier image.
   */
  finish(): Uint8Array {
    const { top, height: rows } = this.#source;
    if (this.#row < top + rows) throw new Error(`${this.#row} of ${top + rows} rows were resampled`);
    const { width, height } = this.#size;
    const output = new Uint8Array(width * height * this.#channels);
    const plane = new Uint8Array(this.#kernel.memory.buffer, this.#at.output, width * height);
    for (let channel = 0; channel < this.#channels; channel++) {
      const columns = this.#plane(channel);
      this.#run(this.#vertical, columns, this.#source.height, width, this.#at.output, width);
      if (this.#channels === 1) output.set(plane);
      else for (let i = 0; i < plane.length; i++) output[3 * i + channel] = plane[i] as number;
    }
    releaseKernel(this.#kernel);
    return output;
  }
}

/** Tables of the last lengths: the images of a source often have few. */
const cached = new Map<string, Table>();
const CACHED_BYTES = 8 * 2 ** 20;
let cachedBytes = 0;

function tableOf(from: number, to: number): Table {
  const key = `${from} ${to}`;
  const known = cached.get(key);
  if (known) return known;
  const table = encodeTaps(lanczosTaps(from, to));
  cached.set(key, table);
  cachedBytes += table.weights.byteLength;
  for (const [oldest, { weights }] of cached) {
    if (cachedBytes <= CACHED_BYTES || oldest === key) break;
    cached.delete(oldest);
    cachedBytes -= weights.byteLength;
  }
  return table;
}

/** The weights as the kernel reads them: blocks of eight taps, high bits before low bits. */
function encodeTaps({ firsts, weights }: Taps): Table {
  let longest = 0;
  for (const { length } of weights) longest = Math.max(longest, length);
  const blocks = Math.ceil(longest / BLOCK);
  const encoded = new Int16Array(weights.length * blocks * 2 * BLOCK);
  for (let output = 0; output < weights.length; output++) {
    const taps = weights[output] as Float64Array;
    for (let tap = 0; tap < taps.length; tap++) {
      const scaled = (taps[tap] as number) * 2 ** FRACTION_BITS;
      const fixed = Math.trunc(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
      const at = (output * blocks + (tap >> 3)) * 2 * BLOCK + (tap & 7);
      encoded[at] = fixed >> 8;
      encoded[at + BLOCK] = fixed & 0xff;
    }
  }
  return { firsts, weights: encoded, blocks };
}

/** Places areas of the given sizes one after the other, aligned for the widest loads. */
function layOut(sizes: readonly number[]): { at: number[]; bytes: number } {
  let bytes = 0;
  const at = sizes.map((size) => {
    const start = bytes;
    bytes += Math.ceil(size / 16) * 16;
    return start;
  });
  return { at, bytes };
}
