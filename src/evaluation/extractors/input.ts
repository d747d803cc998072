/** Converts images of any size to an extractor's input: resized, with three channels. */
import { resizeBicubic } from './bicubic.js';

export interface SquareImage {
  resolution: number;
  channels: 1 | 3;
  /** [resolution, resolution, channels] */
  pixels: Uint8Array;
}

/** @returns [side, side, 3], values 0...255; gray values are repeated in all channels */
export function extractorInput({ resolution, channels, pixels }: SquareImage, side: number): Float32Array {
  const resized =
    resolution === side ? Float32Array.from(pixels) : resizeBicubic(pixels, resolution, channels, side);
  if (channels === 3) return resized;
  const out = new Float32Array(side * side * 3);
  for (let i = 0; i < resized.length; i++) out.fill(resized[i] as number, 3 * i, 3 * i + 3);
  return out;
}
