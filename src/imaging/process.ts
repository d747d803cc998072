/** One image file made ready for a data set. */
import type { PreprocessSpec } from '../spec/preprocess.js';
import { withChannels } from './color.js';
import { describeDecodeError, openImage } from './decode.js';
import { resizeSquare } from './resize.js';
import { planSquare } from './square.js';

export type ProcessOptions = Pick<PreprocessSpec, 'resolution' | 'square' | 'color'>;

/** Channels of the output: 1 for grayscale, 3 for rgb. */
export function channelsOf(color: PreprocessSpec['color']): 1 | 3 {
  return color === 'grayscale' ? 1 : 3;
}

/**
 * Decodes, orients, squares, scales and brings to gray or RGB.
 *
 * @param bytes a JPEG, PNG, TIFF or WebP file.
 * @param where its name, for errors.
 * @returns [resolution, resolution, channels] uint8.
 * @throws ImageError when it cannot or must not be decoded; the reason holds nothing of the file's content.
 */
export async function processImage(
  bytes: Uint8Array,
  options: ProcessOptions,
  where?: string,
): Promise<Uint8Array> {
  const { resolution, square, color } = options;
  const image = await openImage(bytes, where);
  const plan = planSquare(image.width, image.height, resolution, square);
  try {
    const pixels = await resizeSquare(image.pipeline, plan, resolution).raw({ depth: 'uchar' }).toBuffer();
    return withChannels(pixels, image.channels, channelsOf(color));
  } catch (error) {
    throw describeDecodeError(error, where);
  }
}
