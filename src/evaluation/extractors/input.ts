/** Images of any size as the extractor's input: resized, with three channels. */
import sharp from 'sharp';
import { SIDE } from './effnetlite0.js';

export interface SquareImage {
  resolution: number;
  channels: 1 | 3;
  /** [resolution, resolution, channels] */
  pixels: Uint8Array;
}

/** Resizes with antialiased bicubic interpolation (Parmar et al. 2022, "On aliased resizing"). [224, 224, 3], values 0...255 */
export async function extractorInput({ resolution, channels, pixels }: SquareImage): Promise<Float32Array> {
  const resized = resolution === SIDE ? pixels : await resize(pixels, resolution, channels);
  if (channels === 3) return Float32Array.from(resized);
  const out = new Float32Array(SIDE * SIDE * 3);
  for (let i = 0; i < resized.length; i++) out.fill(resized[i] as number, 3 * i, 3 * i + 3);
  return out;
}

function resize(pixels: Uint8Array, resolution: number, channels: 1 | 3): Promise<Uint8Array> {
  return sharp(pixels, { raw: { width: resolution, height: resolution, channels } })
    .resize(SIDE, SIDE, { kernel: 'cubic', fit: 'fill', fastShrinkOnLoad: false })
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .raw()
    .toBuffer();
}
