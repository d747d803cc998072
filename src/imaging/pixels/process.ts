/** Converts an image file to the pixels that a data set stores. */
import type { PreprocessSpec } from '../../spec/preprocess.js';
import { findContent, wholeImage } from './autocrop.js';
import { withChannels } from './color.js';
import { adjustContrast } from './contrast.js';
import { type OpenOptions, withImage } from './decode.js';
import type { DecodedImage } from './decoded-image.js';
import { Resampler } from './resample.js';
import { planSquare, type SquarePlan } from './square.js';

export interface ProcessOptions
  extends Pick<PreprocessSpec, 'square' | 'color'>,
    Partial<Pick<PreprocessSpec, 'autocrop' | 'contrast'>>,
    OpenOptions {
  /** Side of the output in pixels. */
  resolution: number;
  /** Called for each harmless fault of the file. */
  onNote?: (note: string) => void;
  /** Called with the size of the upright image, before it is cropped. */
  onSize?: (size: { width: number; height: number }) => void;
}

/** The options under which a square image keeps its pixels. @throws ImageError */
export async function ownOptions(bytes: Uint8Array, where?: string): Promise<ProcessOptions> {
  const options = async ({ width, height, channels }: DecodedImage): Promise<ProcessOptions> => ({
    resolution: Math.min(width, height),
    square: 'crop',
    color: channels === 1 ? 'grayscale' : 'rgb',
  });
  return withImage(bytes, {}, options, where);
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
  return withImage(bytes, options, (image) => squareImage(image, options), where);
}

/** The same for an image that is decoded. */
export async function squareImage(image: DecodedImage, options: ProcessOptions): Promise<Uint8Array> {
  const { resolution, square, color, autocrop, contrast = 'none', onNote } = options;
  options.onSize?.({ width: image.width, height: image.height });
  for (const note of image.notes) onNote?.(note);
  const content = autocrop ? await findContent(image) : wholeImage(image);
  const plan = planSquare(content, resolution, square);
  const output = channelsOf(color);
  // Color becomes gray before it is resized, which is less work.
  const channels = output === 1 ? 1 : image.channels;
  const resampler = new Resampler(image.width, channels, plan.source, plan.target);
  for await (const rows of image.rows()) resampler.addRows(withChannels(rows, image.channels, channels));
  const pixels = adjustContrast(resampler.finish(), plan.target, channels, contrast);
  return withChannels(placeOnBlack(pixels, plan, resolution, channels), channels, output);
}

/** @returns [resolution, resolution, channels] uint8, black around the target */
function placeOnBlack(
  pixels: Uint8Array,
  { target: { left, top, width, height } }: SquarePlan,
  resolution: number,
  channels: 1 | 3,
): Uint8Array {
  if (width === resolution && height === resolution) return pixels;
  const placed = new Uint8Array(resolution * resolution * channels);
  const rowBytes = width * channels;
  for (let y = 0; y < height; y++) {
    const row = pixels.subarray(y * rowBytes, (y + 1) * rowBytes);
    placed.set(row, ((top + y) * resolution + left) * channels);
  }
  return placed;
}
