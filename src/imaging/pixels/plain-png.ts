/**
 * Decodes small PNG files of 8-bit gray or RGB without alpha and interlacing, the usual files of
 * small data sets: starting a pipeline of libvips takes longer than decoding them.
 */
import { inflateSync } from 'node:zlib';
import { ImageError } from '../../core/errors.js';
import type { Raster } from './raster.js';

/** What the structure of such a file has. */
export interface PlainPng {
  width: number;
  height: number;
  channels: 1 | 3;
  /** Parts of the zlib stream, from the IDAT chunks. */
  data: readonly Uint8Array[];
}

/** Larger files are decoded by libvips, in another thread. */
export const PLAIN_PIXELS = 2 ** 20;

/** @throws ImageError when the data is damaged or does not have all rows. */
export function decodePlainPng({ width, height, channels, data }: PlainPng, where?: string): Raster {
  const rowBytes = width * channels;
  const filtered = inflate(data, height * (rowBytes + 1), where);
  const pixels = new Uint8Array(height * rowBytes);
  for (let y = 0; y < height; y++) {
    const from = y * (rowBytes + 1);
    const row = filtered.subarray(from + 1, from + 1 + rowBytes);
    if (!unfilter(filtered[from] as number, row, pixels, y * rowBytes, channels))
      throw new ImageError({ what: 'is corrupt', where });
  }
  async function* strips() {
    yield pixels;
  }
  return { width, height, channels, warnings: [], strips, remove: async () => undefined };
}

function inflate(data: readonly Uint8Array[], bytes: number, where: string | undefined): Uint8Array {
  try {
    const inflated = inflateSync(data.length === 1 ? (data[0] as Uint8Array) : Buffer.concat(data), {
      maxOutputLength: bytes,
      // One buffer for all, which is not copied.
      chunkSize: Math.max(64, bytes + 1),
    });
    if (inflated.length === bytes) return inflated;
  } catch (error) {
    const isTruncated = (error as NodeJS.ErrnoException).code === 'Z_BUF_ERROR';
    throw new ImageError({ what: isTruncated ? 'is truncated' : 'is corrupt', where });
  }
  throw new ImageError({ what: 'is truncated', where });
}

/**
 * Reverses a filter (ISO/IEC 15948, section 9.2). The row above the first one is zero.
 *
 * @param pixels all rows; the row is written at `at`.
 * @param step bytes of a pixel.
 * @returns false when there is no such filter
 */
function unfilter(type: number, row: Uint8Array, pixels: Uint8Array, at: number, step: number): boolean {
  const { length } = row;
  const hasAbove = at > 0;
  switch (type) {
    case 0:
      pixels.set(row, at);
      return true;
    case 1:
      for (let i = 0; i < length; i++)
        pixels[at + i] = (row[i] as number) + (i < step ? 0 : (pixels[at + i - step] as number));
      return true;
    case 2:
      for (let i = 0; i < length; i++)
        pixels[at + i] = (row[i] as number) + (hasAbove ? (pixels[at + i - length] as number) : 0);
      return true;
    case 3:
      for (let i = 0; i < length; i++) {
        const left = i < step ? 0 : (pixels[at + i - step] as number);
        const above = hasAbove ? (pixels[at + i - length] as number) : 0;
        pixels[at + i] = (row[i] as number) + ((left + above) >> 1);
      }
      return true;
    case 4:
      for (let i = 0; i < length; i++) {
        const left = i < step ? 0 : (pixels[at + i - step] as number);
        const above = hasAbove ? (pixels[at + i - length] as number) : 0;
        const corner = i < step || !hasAbove ? 0 : (pixels[at + i - length - step] as number);
        pixels[at + i] = (row[i] as number) + paeth(left, above, corner);
      }
      return true;
    default:
      return false;
  }
}

function paeth(left: number, above: number, corner: number): number {
  const toLeft = Math.abs(above - corner);
  const toAbove = Math.abs(left - corner);
  const toCorner = Math.abs(left + above - 2 * corner);
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}
