/** Encodes and decodes the PNG files of a data set. The same pixels give the same bytes. */
import sharp from 'sharp';
import { ImageError } from '../core/errors.js';
import { describeDecodeError } from './decode.js';

/**
 * Encodes 8-bit gray or RGB without palette and metadata. Deterministic for one version of the
 * encoder.
 *
 * @param pixels [height, width, channels] uint8.
 */
export async function encodePng(
  pixels: Uint8Array,
  width: number,
  height: number,
  channels: 1 | 3,
): Promise<Uint8Array> {
  return sharp(pixels, { raw: { width, height, channels } })
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .png({ compressionLevel: 6, adaptiveFiltering: false, palette: false })
    .toBuffer();
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
