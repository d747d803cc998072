/** What an image looks like, in a few bytes: a thumbnail, and a hash of its gradients. */
import type { FrameChoice } from '../dicom/frames.js';
import { processImage } from '../pixels/process.js';

/** Side of the thumbnail in pixels. */
const SIDE = 32;
export const SIGNATURE_BYTES = SIDE * SIDE;

/**
 * [32, 32] uint8: the middle square of the image, in gray. Whether two files show the same does not
 * depend on the settings of pixels, but on the frame that is used.
 *
 * @throws ImageError
 */
export async function thumbnail(bytes: Uint8Array, frames: FrameChoice): Promise<Uint8Array> {
  const dicom = { frames, window: 'first' as const };
  return processImage(bytes, { resolution: SIDE, square: 'crop', color: 'grayscale', dicom });
}

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

export function isBlank(pixels: Uint8Array): boolean {
  return Math.sqrt(moments(pixels, pixels).covariance) < BLANK;
}

/** Whether two thumbnails show the same image, whatever its brightness and contrast. */
export function looksSame(a: Uint8Array, b: Uint8Array): boolean {
  const { covariance } = moments(a, b);
  const scale = Math.sqrt(moments(a, a).covariance * moments(b, b).covariance);
  return covariance >= SAME * scale;
}

function moments(a: Uint8Array, b: Uint8Array): { covariance: number } {
  let sumA = 0;
  let sumB = 0;
  let product = 0;
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] as number, b[i] as number];
    sumA += x;
    sumB += y;
    product += x * y;
  }
  return { covariance: product / a.length - (sumA / a.length) * (sumB / a.length) };
}
