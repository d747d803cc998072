/** Decodes a whole image to samples: in memory, or in a scratch file when there are many. */
import { open, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Sharp } from 'sharp';
import { makeScratchFolder } from '../../core/scratch.js';

/** Samples of whole rows: [rows, width, channels]. */
export type Strip = Uint8Array | Uint16Array;

/** A decoded image, upright. */
export interface Raster {
  width: number;
  height: number;
  channels: number;
  /** What the decoder warned of, although it decoded the image. */
  warnings: string[];
  /** The samples in strips of rows, from the top. Can be read repeatedly. */
  strips(): AsyncIterable<Strip>;
  /** Deletes the scratch file, if there is one. */
  remove(): Promise<void>;
}

/** Images with more bytes are decoded to a file, which libvips writes row by row. */
export const MEMORY_BYTES = 64 * 2 ** 20;
/** Header of libvips's own format (.v), before the samples in the byte order of the machine. */
const V_HEADER_BYTES = 64;
const STRIP_BYTES = 2 ** 20;

/**
 * Decodes to the end of the file, whatever part of the image is used later.
 *
 * @param pipeline without a region and without resizing.
 * @param bytes size of the decoded image.
 * @throws errors of the decoder.
 */
export async function decodeRaster(pipeline: Sharp, bits: 8 | 16, bytes: number): Promise<Raster> {
  const warnings: string[] = [];
  pipeline.on('warning', (warning: string) => warnings.push(warning));
  const decode = bytes > MEMORY_BYTES ? decodeToFile : decodeToMemory;
  return { ...(await decode(pipeline, bits)), warnings };
}

async function decodeToMemory(pipeline: Sharp, bits: 8 | 16): Promise<Omit<Raster, 'warnings'>> {
  const depth = bits === 16 ? 'ushort' : 'uchar';
  const { data, info } = await pipeline.raw({ depth }).toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const rowBytes = (width * channels * bits) / 8;
  const stripBytes = stripRowsOf(rowBytes) * rowBytes;
  async function* strips() {
    for (let at = 0; at < data.length; at += stripBytes)
      yield samplesOf(data.subarray(at, at + stripBytes), bits);
  }
  return { width, height, channels, strips, remove: async () => undefined };
}

async function decodeToFile(pipeline: Sharp, bits: 8 | 16): Promise<Omit<Raster, 'warnings'>> {
  const folder = await makeScratchFolder('raster');
  const file = path.join(folder, 'samples.v');
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const { width, height, channels } = await pipeline.toFile(file);
    const rowBytes = (width * channels * bits) / 8;
    return { width, height, channels, strips: () => readStrips(file, rowBytes, height, bits), remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function* readStrips(
  file: string,
  rowBytes: number,
  rows: number,
  bits: 8 | 16,
): AsyncGenerator<Strip> {
  const handle = await open(file, 'r');
  try {
    const stripRows = stripRowsOf(rowBytes);
    const buffer = Buffer.alloc(stripRows * rowBytes);
    for (let row = 0; row < rows; row += stripRows) {
      const length = Math.min(stripRows, rows - row) * rowBytes;
      const { bytesRead } = await handle.read(buffer, 0, length, V_HEADER_BYTES + row * rowBytes);
      if (bytesRead < length) throw new Error('the scratch file of a decoded image is truncated');
      yield samplesOf(buffer.subarray(0, length), bits);
    }
  } finally {
    await handle.close();
  }
}

function stripRowsOf(rowBytes: number): number {
  return Math.max(1, Math.floor(STRIP_BYTES / rowBytes));
}

function samplesOf(data: Buffer, bits: 8 | 16): Strip {
  return bits === 8 ? data : new Uint16Array(data.buffer, data.byteOffset, data.length / 2);
}
