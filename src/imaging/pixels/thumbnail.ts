/** A small gray image by which copies are recognized. */
import type { FrameChoice } from '../dicom/frames.js';
import { type ProcessOptions, processImage } from './process.js';

/** Side of the thumbnail in pixels. */
export const THUMBNAIL_SIDE = 32;

export const THUMBNAIL: ProcessOptions = {
  resolution: THUMBNAIL_SIDE,
  square: 'crop',
  color: 'grayscale',
};

/**
 * [32, 32] uint8: the middle square of the image, in gray. Whether two files show the same does not
 * depend on the settings of pixels, but on the frame that is used.
 *
 * @throws ImageError
 */
export async function thumbnail(bytes: Uint8Array, frames: FrameChoice): Promise<Uint8Array> {
  return processImage(bytes, { ...THUMBNAIL, dicom: { frames, window: 'first' } });
}
