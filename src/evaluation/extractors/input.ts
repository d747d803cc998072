/** Converts images of any size to an extractor's input: resized, with three channels. */
import { resizeBicubic } from './bicubic.js';
import { resizeTensorflow1 } from './tensorflow1-resize.js';

export interface SquareImage {
  resolution: number;
  channels: 1 | 3;
  /** [resolution, resolution, channels] */
  pixels: Uint8Array;
}

/** An image whose values, 0...255, may be between whole numbers, as those of a generator are. */
export interface ExtractorImage extends Omit<SquareImage, 'pixels'> {
  pixels: Uint8Array | Float32Array;
}

/** How images are resized: without aliasing, or as TensorFlow 1 did for FID. */
export type Resize = 'bicubic' | 'tensorflow1';

const RESIZE = { bicubic: resizeBicubic, tensorflow1: resizeTensorflow1 };

/** @returns [side, side, 3], values 0...255; gray values are repeated in all channels */
export function extractorInput(
  { resolution, channels, pixels }: ExtractorImage,
  side: number,
  resize: Resize = 'bicubic',
): Float32Array {
  const resized =
    resolution === side ? Float32Array.from(pixels) : RESIZE[resize](pixels, resolution, channels, side);
  if (channels === 3) return resized;
  const out = new Float32Array(side * side * 3);
  for (let i = 0; i < resized.length; i++) out.fill(resized[i] as number, 3 * i, 3 * i + 3);
  return out;
}
