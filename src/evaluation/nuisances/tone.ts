/**
 * Transfers of gray values. Histogram specification (Gonzalez and Woods, "Digital Image
 * Processing", section 3.3) of the pooled images gives one tone curve; its dark part is the
 * background, the rest the exposure.
 */
import type { SquareImage } from '../extractors/input.js';
import type { Transfer } from './transfer.js';

const LEVELS = 256;

/** Background haze: dark values become as dark as in real images, others stay. */
export const background: Transfer = (synthetic, real) => {
  const { curve, dark } = toneCurve(synthetic, real);
  // Between the dark values and twice as much, the curve fades into no change.
  return mapped((value) => {
    const weight = Math.min(1, Math.max(0, 2 - value / dark));
    return weight * (curve[value] as number) + (1 - weight) * value;
  });
};

/** Exposure and contrast: brighter values follow the curve, and black stays black. */
export const exposure: Transfer = (synthetic, real) => {
  const { curve, bright: start } = toneCurve(synthetic, real);
  const gain = (curve[start] as number) / start;
  return mapped((value) => (value < start ? gain * value : (curve[value] as number)));
};

function mapped(tone: (value: number) => number): ReturnType<Transfer> {
  const table = Uint8Array.from({ length: LEVELS }, (_, value) =>
    Math.min(LEVELS - 1, Math.max(0, Math.round(tone(value)))),
  );
  return (image) => ({ ...image, pixels: image.pixels.map((value) => table[value] as number) });
}

/** Value of a real image for each value of a synthetic one; ends of dark and bright values. */
function toneCurve(
  synthetic: readonly SquareImage[],
  real: readonly SquareImage[],
): { curve: Float64Array; dark: number; bright: number } {
  const [from, to] = [histogram(synthetic), histogram(real)];
  const curve = new Float64Array(LEVELS);
  let below = 0;
  let [level, reached] = [0, to[0] as number];
  for (let value = 0; value < LEVELS; value++) {
    // The middle of the share of this value: ties go to the value that most of them have.
    const share = below + (from[value] as number) / 2;
    while (level < LEVELS - 1 && reached < share) {
      level++;
      reached += to[level] as number;
    }
    curve[value] = level;
    below += from[value] as number;
  }
  const bright = Math.max(1, otsu(to));
  return { curve, dark: Math.max(4, Math.round(bright / 4)), bright };
}

/** Shares of the values of all images together. */
function histogram(images: readonly SquareImage[]): Float64Array {
  const counts = new Float64Array(LEVELS);
  let total = 0;
  for (const { pixels } of images) {
    for (const value of pixels) counts[value] = (counts[value] as number) + 1;
    total += pixels.length;
  }
  return counts.map((count) => count / total);
}

/** The threshold between dark and bright that separates best (Otsu 1979). */
export function otsu(shares: Float64Array): number {
  const mean = shares.reduce((sum, share, value) => sum + share * value, 0);
  let [best, threshold, weight, sum] = [-1, 0, 0, 0];
  for (let value = 0; value < LEVELS; value++) {
    weight += shares[value] as number;
    sum += value * (shares[value] as number);
    if (weight <= 0 || weight >= 1) continue;
    const between = (mean * weight - sum) ** 2 / (weight * (1 - weight));
    if (between > best) [best, threshold] = [between, value];
  }
  return threshold;
}

/** The same of images. */
export function brightFrom(images: readonly SquareImage[]): number {
  return otsu(histogram(images));
}
