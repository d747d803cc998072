/** Pictures of analyses: rows of images with gaps, enlarged so that single pixels can be seen. */
import { encodeRawPng } from '../../generation/image-grid.js';

/** [side, side, 3] */
export type ColorImage = Uint8Array;

const GAP = 6;
/** Width of a column that only separates groups. */
const NARROW = 3 * GAP;
const BACKGROUND = 255;
/** Small images are enlarged by a whole number to about this side. */
const SHOWN_SIDE = 128;

/** RGB of an image of one or three channels. */
export function colored(pixels: Uint8Array, channels: 1 | 3): ColorImage {
  if (channels === 3) return pixels;
  const out = new Uint8Array(3 * pixels.length);
  for (const [i, value] of pixels.entries()) out.fill(value, 3 * i, 3 * i + 3);
  return out;
}

/** PNG of rows of images of one size; null marks an empty place. Empty columns are narrow. */
export function galleryPng(
  rows: readonly (readonly (ColorImage | null)[])[],
  side: number,
): Promise<Uint8Array> {
  const scale = Math.max(1, Math.floor(SHOWN_SIDE / side));
  const cell = side * scale + GAP;
  const lefts = [GAP];
  for (let column = 0; column < Math.max(...rows.map((row) => row.length)); column++)
    lefts.push((lefts[column] as number) + (rows.some((row) => row[column]) ? cell : NARROW));
  const width = lefts.at(-1) as number;
  const height = rows.length * cell + GAP;
  const pixels = new Uint8Array(width * height * 3).fill(BACKGROUND);
  for (const [row, images] of rows.entries())
    for (const [column, image] of images.entries())
      if (image)
        place(pixels, width, image, { side, scale, left: lefts[column] as number, top: row * cell + GAP });
  return encodeRawPng({ width, height, channels: 3, pixels });
}

function place(
  pixels: Uint8Array,
  width: number,
  image: ColorImage,
  { side, scale, left, top }: { side: number; scale: number; left: number; top: number },
): void {
  for (let y = 0; y < side * scale; y++)
    for (let x = 0; x < side * scale; x++) {
      const from = 3 * (Math.floor(y / scale) * side + Math.floor(x / scale));
      pixels.set(image.subarray(from, from + 3), 3 * ((top + y) * width + left + x));
    }
}

/** Colors of 0...1 that grow evenly in brightness (inferno of matplotlib, at five places). */
const STOPS = [
  [0, 0, 4],
  [87, 16, 110],
  [188, 55, 84],
  [249, 142, 9],
  [252, 255, 164],
] as const;

/** RGB of a map of values 0...1, safe for color-blind readers. */
export function heatColors(values: Float32Array): ColorImage {
  const out = new Uint8Array(3 * values.length);
  for (const [i, value] of values.entries()) {
    const at = Math.min(1, Math.max(0, value)) * (STOPS.length - 1);
    const stop = Math.min(STOPS.length - 2, Math.floor(at));
    const [from, to] = [STOPS[stop], STOPS[stop + 1]] as [readonly number[], readonly number[]];
    for (let c = 0; c < 3; c++)
      out[3 * i + c] = Math.round(
        (from[c] as number) + (at - stop) * ((to[c] as number) - (from[c] as number)),
      );
  }
  return out;
}

/** Both images at half strength. */
export function blended(a: ColorImage, b: ColorImage): ColorImage {
  return a.map((value, i) => Math.round((value + (b[i] as number)) / 2));
}

/** Absolute difference of two images, doubled so that small ones can be seen. */
export function differenceOf(a: ColorImage, b: ColorImage): ColorImage {
  return a.map((value, i) => Math.min(255, 2 * Math.abs(value - (b[i] as number))));
}
