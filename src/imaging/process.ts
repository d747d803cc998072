/** Converts an image file to the pixels that a data set stores. */
import type { PreprocessSpec } from '../spec/preprocess.js';
import { withChannels } from './color.js';
import { describeDecodeError, openImage } from './decode.js';
import { resizeSquare } from './resize.js';
import { planSquare } from './square.js';

export interface ProcessOptions extends Pick<PreprocessSpec, 'square' | 'color'> {
  /** Side of the output in pixels. */
  resolution: number;
}

/** The options under which a square image keeps its pixels. @throws ImageError */
export async function ownOptions(bytes: Uint8Array, where?: string): Promise<ProcessOptions> {
  const { width, height, channels } = await openImage(bytes, where);
  const color = channels === 1 ? 'grayscale' : 'rgb';
  return { resolution: Math.min(width, height), square: 'crop', color };
}

/** Number of output channels: 1 for grayscale, 3 for rgb. */
export function channelsOf(color: PreprocessSpec['color']): 1 | 3 {
  return color === 'grayscale' ? 1 : 3;
}

/**
 * Decodes an image, applies its orientation, crops or pads it to a square, resizes it and converts
 * it to gray or RGB.
 *
 * @param bytes a JPEG, PNG, TIFF or WebP file.
 * @param where name of the file, for errors.
 * @returns [resolution, resolution, channels] uint8.
 * @throws ImageError when the file cannot or must not be decoded. The reason contains no content of
 *   the file.
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
