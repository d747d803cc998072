/** Compares thumbnails: by a hash of their gradients, and by their correlation. */
import { THUMBNAIL_SIDE as SIDE } from '../pixels/thumbnail.js';

/** Smaller differences of gray are noise: flat background must give the same bits in every copy. */
const STEP = 2;

/**
 * The difference hash of a thumbnail (Krawetz 2013), [8, 8] bits in two halves: whether each of 8
 * rows becomes brighter from one of 9 cells to the next.
 */
export function differenceHash(pixels: Uint8Array): [number, number] {
  const halves: [number, number] = [0, 0];
  for (let bit = 0; bit < 64; bit++) {
    const [row, column] = [bit >> 3, bit & 7];
    const isBrighter = cellMean(pixels, row, column + 1) > cellMean(pixels, row, column) + STEP;
    if (isBrighter) halves[bit >> 5] = ((halves[bit >> 5] as number) | (1 << (bit & 31))) >>> 0;
  }
  return halves;
}

function cellMean(pixels: Uint8Array, row: number, column: number): number {
  const left = Math.floor((column * SIDE) / 9);
  const right = Math.floor(((column + 1) * SIDE) / 9);
  let sum = 0;
  for (let y = row * 4; y < row * 4 + 4; y++)
    for (let x = left; x < right; x++) sum += pixels[y * SIDE + x] as number;
  return sum / (4 * (right - left));
}

/** Thumbnails that vary less, in standard deviations of gray, are blank: they are no copies. */
const BLANK = 2;
/**
 * Correlation of two thumbnails from which they show the same image: saved again, resized or with
 * another exposure. Images of the same view of two patients reach 0.99.
 */
const SAME = 0.998;

/** A thumbnail with what every comparison needs of it. */
export interface Signature {
  /** [32, 32] uint8 */
  pixels: Uint8Array;
  mean: number;
  variance: number;
}

export function signatureOf(pixels: Uint8Array): Signature {
  const mean = sumOf(pixels) / pixels.length;
  return { pixels, mean, variance: dot(pixels, pixels) / pixels.length - mean * mean };
}

export function isBlank({ variance }: Signature): boolean {
  return Math.sqrt(variance) < BLANK;
}

/** Whether two thumbnails show the same image, whatever its brightness and contrast. */
export function looksSame(a: Signature, b: Signature): boolean {
  const covariance = dot(a.pixels, b.pixels) / a.pixels.length - a.mean * b.mean;
  return covariance >= SAME * Math.sqrt(a.variance * b.variance);
}

function sumOf(values: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] as number;
  return sum;
}

/** Integers below 2^31 are much faster than other numbers: 255 * 255 * 1024 is. */
function dot(a: Uint8Array, b: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum = (sum + Math.imul(a[i] as number, b[i] as number)) | 0;
  return sum;
}
