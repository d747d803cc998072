/** Nuisances of generated images, planted into real ones. */
import type { RandomStream } from '../../src/core/random.js';

type Plant = (pixels: Uint8Array, side: number, random: RandomStream) => Uint8Array;

export const PLANTED = {
  /** Blotches of up to 24 levels where the image is dark. */
  background: (pixels, side, random) => {
    const phases = Array.from({ length: 4 }, () => 2 * Math.PI * random.uniform());
    return pixels.map((value, i) => {
      const [x, y] = [(i % side) / side, Math.floor(i / side) / side];
      const wave = (k: number, f: number, g: number) =>
        Math.sin(2 * Math.PI * (f * x + g * y) + (phases[k] as number));
      const haze = 12 + 3 * (wave(0, 3, 1) + wave(1, 1, 4) + wave(2, 5, 2) + wave(3, 2, 6));
      return Math.max(value, Math.round(haze));
    });
  },
  /** Noise. */
  sharpness: (pixels, _side, random) => pixels.map((value) => clamp(value + 9 * random.normal())),
  /** Darker, with less contrast. */
  exposure: (pixels) => pixels.map((value) => clamp(160 * (value / 255) ** 1.4)),
  /** Moved and smaller. */
  position: (pixels, side) => {
    const center = side / 2;
    return pixels.map((_, i) => {
      const [x, y] = [i % side, Math.floor(i / side)];
      const at = (v: number, by: number) => Math.round(center + (v - center - by) * 1.15);
      const [u, v] = [at(x, 0.1 * side), at(y, 0.06 * side)].map((w) => Math.min(side - 1, Math.max(0, w)));
      return pixels[(v as number) * side + (u as number)] as number;
    });
  },
} satisfies Record<string, Plant>;

function clamp(value: number): number {
  return Math.min(255, Math.max(0, Math.round(value)));
}
