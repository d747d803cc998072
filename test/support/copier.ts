/** A "generator" that returns training images with small changes. */
import sharp from 'sharp';
import type { RandomStream } from '../../src/core/random.js';

export type Change = (pixels: Uint8Array, side: number, random: RandomStream) => Promise<Uint8Array>;

export const CHANGES = {
  shifted: async (pixels, side) => {
    const by = Math.round(side / 16);
    return pixels.map((_, i) => {
      const [row, column] = [Math.floor(i / side), i % side];
      return pixels[Math.max(0, row - by) * side + Math.max(0, column - by)] as number;
    });
  },
  noised: async (pixels, _side, random) =>
    pixels.map((value) => Math.min(255, Math.max(0, Math.round(value + 6 * random.normal())))),
  recompressed: async (pixels, side) => {
    const raw = { raw: { width: side, height: side, channels: 1 as const } };
    const jpeg = await sharp(pixels, raw).jpeg({ quality: 75 }).toBuffer();
    return Uint8Array.from(await sharp(jpeg).toColourspace('b-w').raw().toBuffer());
  },
  mirrored: async (pixels, side) =>
    pixels.map((_, i) => pixels[(Math.floor(i / side) + 1) * side - 1 - (i % side)] as number),
  brightened: async (pixels) => pixels.map((value) => Math.min(255, Math.round(1.1 * value + 6))),
} satisfies Record<string, Change>;
