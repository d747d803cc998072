/** Encodes and decodes the PNG files of a data set. The same pixels give the same bytes. */
import { promisify } from 'node:util';
import { constants, deflate, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { ImageError } from '../../core/errors.js';
import { crc32 } from '../dataset/crc32.js';
import { describeDecodeError } from './decode-error.js';

const SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
/** Filter type "Up" of a row (ISO/IEC 15948, section 9.2): the difference from the row above. */
const UP = 2;
/**
 * Filtered rows are noise around zero: Huffman codes hold it, and matches of strings do not. Runs
 * keep empty masks small. A third of the time of level 1, and smaller files (docs/benchmarks.md).
 * Runs need no window, and a small one is set up faster.
 */
const OPTIONS = { level: 1, strategy: constants.Z_RLE, windowBits: 9 };
/** Up to this size, compressing takes less time than handing the work to another thread. */
const SYNC_BYTES = 2 ** 14;
const COLOR_TYPE = { 1: 0, 3: 2 } as const;

const deflateAsync = promisify(deflate);

/**
 * Encodes 8-bit gray or RGB without palette and metadata. Deterministic for one version of zlib.
 *
 * @param pixels [height, width, channels] uint8.
 */
export async function encodePng(
  pixels: Uint8Array,
  width: number,
  height: number,
  channels: 1 | 3,
): Promise<Uint8Array> {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.writeUInt8(8, 8);
  header.writeUInt8(COLOR_TYPE[channels], 9);
  const rows = filterRows(pixels, width * channels);
  const data = rows.length <= SYNC_BYTES ? deflateSync(rows, OPTIONS) : await deflateAsync(rows, OPTIONS);
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('IDAT', data),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** One filter for all rows: choosing the best of five for each takes longer than compressing. */
function filterRows(pixels: Uint8Array, rowBytes: number): Uint8Array {
  const rows = pixels.length / rowBytes;
  const filtered = new Uint8Array(rows * (rowBytes + 1));
  for (let row = 0, at = 0; row < rows; row++) {
    filtered[at++] = UP;
    const start = row * rowBytes;
    if (row === 0) filtered.set(pixels.subarray(0, rowBytes), at);
    else
      for (let i = 0; i < rowBytes; i++)
        filtered[at + i] = (pixels[start + i] as number) - (pixels[start + i - rowBytes] as number);
    at += rowBytes;
  }
  return filtered;
}

function chunk(type: string, data: Uint8Array): Buffer {
  const bytes = Buffer.alloc(data.length + 12);
  bytes.writeUInt32BE(data.length, 0);
  bytes.write(type, 4, 'latin1');
  bytes.set(data, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, data.length + 8)), data.length + 8);
  return bytes;
}

/**
 * Decodes a file that {@link encodePng} wrote.
 *
 * @returns [height, width, channels] uint8.
 * @throws ImageError when the file is corrupt or does not have the expected size and channels.
 */
export async function decodePng(
  png: Uint8Array,
  expected: { width: number; height: number; channels: 1 | 3 },
  where?: string,
): Promise<Uint8Array> {
  const { width, height, channels } = expected;
  try {
    const { data, info } = await sharp(png, { limitInputPixels: width * height })
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    if (info.width === width && info.height === height && info.channels === channels) return data;
  } catch (error) {
    throw describeDecodeError(error, where);
  }
  throw new ImageError({
    what: `is not an image of ${width} x ${height} pixels and ${channels} channels`,
    where,
  });
}
