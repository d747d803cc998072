/**
 * Transfer of sharpness and noise, by octave of the power spectrum: what noise adds to the flattest
 * places is taken out by a local Wiener filter (Lim 1990, "Two-Dimensional Signal and Image
 * Processing", section 9.2), then the power of each octave becomes that of the real images.
 */
import { moments } from '../analyses/calibration.js';
import type { SquareImage } from '../extractors/input.js';
import { clamped, type Transfer } from './transfer.js';

/** B3 spline of the transform "a trous" (Starck and Murtagh 1994), which keeps the size. */
const KERNEL = [1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16];
const OCTAVES = 3;
/** Share of the places of an image that are flat. */
const FLAT = 0.1;
/** Largest change of an amplitude. */
const MOST = 4;
const TINY = 1e-3;

/** Of the details of one octave. */
interface Octave {
  /** Local power in the flattest places: that of the noise. */
  noise: number;
  power: number;
}

export const sharpness: Transfer = (synthetic, real) => {
  const target = octavesOf(real, []);
  const noise = octavesOf(synthetic, []).map((own, i) => Math.max(0, own.noise - (target[i]?.noise ?? 0)));
  const gains = octavesOf(synthetic, noise).map(({ power }, i) =>
    Math.min(MOST, Math.max(1 / MOST, Math.sqrt(((target[i]?.power ?? 0) + TINY) / (power + TINY)))),
  );
  return (image) => {
    const { details, rest } = decomposed(image, noise);
    const out = rest.slice();
    for (const [octave, { values }] of details.entries())
      for (const [i, value] of values.entries())
        out[i] = (out[i] as number) + (gains[octave] as number) * value;
    return { ...image, pixels: clamped(out) };
  };
};

/** Means over images. @param noise to be taken out of each octave */
function octavesOf(images: readonly SquareImage[], noise: readonly number[]): Octave[] {
  const found = images.map((image) =>
    decomposed(image, noise).details.map(({ values, local }) => {
      const sorted = Float32Array.from(local).sort();
      return {
        noise: sorted[Math.floor(FLAT * (sorted.length - 1))] as number,
        power: moments(values).deviation ** 2,
      };
    }),
  );
  return Array.from({ length: OCTAVES }, (_, octave) => ({
    noise: moments(found.map((own) => (own[octave] as Octave).noise)).mean,
    power: moments(found.map((own) => (own[octave] as Octave).power)).mean,
  }));
}

/** Details of each octave with their local power, the finest first; with the rest, the image. */
function decomposed(
  { pixels, resolution: side, channels }: SquareImage,
  noise: readonly number[],
): { details: { values: Float32Array; local: Float32Array }[]; rest: Float32Array } {
  const details: { values: Float32Array; local: Float32Array }[] = [];
  let current = Float32Array.from(pixels);
  for (let octave = 0; octave < OCTAVES; octave++) {
    const step = 2 ** octave;
    const smooth = smoothed(current, side, channels, step);
    const values = current.map((value, i) => value - (smooth[i] as number));
    const local = smoothed(
      values.map((value) => value * value),
      side,
      channels,
      step,
    );
    const taken = noise[octave] ?? 0;
    // The local power scatters around that of the noise: twice as much is taken for noise.
    const kept = values.map(
      (value, i) => value * Math.max(0, 1 - (2 * taken) / ((local[i] as number) + TINY)),
    );
    details.push({ values: taken > 0 ? kept : values, local });
    current = smooth;
  }
  return { details, rest: current };
}

/** Along rows, then along columns; the border goes on. */
function smoothed(
  values: Float32Array,
  side: number,
  channels: number,
  step: number,
): Float32Array<ArrayBuffer> {
  const clip = (at: number) => Math.min(side - 1, Math.max(0, at));
  const pass = (input: Float32Array, isRow: boolean) => {
    const out = new Float32Array(input.length);
    for (let row = 0; row < side; row++)
      for (let column = 0; column < side; column++)
        for (let k = 0; k < KERNEL.length; k++) {
          const at = clip((isRow ? column : row) + (k - 2) * step);
          const from = (isRow ? row * side + at : at * side + column) * channels;
          const to = (row * side + column) * channels;
          for (let c = 0; c < channels; c++)
            out[to + c] = (out[to + c] as number) + (KERNEL[k] as number) * (input[from + c] as number);
        }
    return out;
  };
  return pass(pass(values, true), false);
}
