/** Combines small images in one grid image. */
import { encodePng } from '../imaging/pixels/png.js';

/** Raw [h, w, c] bytes. */
export interface RawImage {
  width: number;
  height: number;
  channels: 1 | 3;
  pixels: Uint8Array;
}

/** PNG of one image, 8-bit gray or RGB. */
export function encodeRawPng({ pixels, width, height, channels }: RawImage): Promise<Uint8Array> {
  return encodePng(pixels, width, height, channels);
}

/**
 * Equal-sized images, row by row, without gaps.
 *
 * @param columns images per row; the last row may be shorter, the rest is black.
 */
export function tile(
  images: readonly Uint8Array[],
  columns: number,
  resolution: number,
  channels: 1 | 3,
): RawImage {
  const rows = Math.ceil(images.length / columns);
  const width = columns * resolution;
  const height = rows * resolution;
  const pixels = new Uint8Array(width * height * channels);
  const stride = resolution * channels;
  images.forEach((image, i) => {
    const left = (i % columns) * stride;
    const top = Math.floor(i / columns) * resolution;
    for (let y = 0; y < resolution; y++) {
      pixels.set(image.subarray(y * stride, (y + 1) * stride), (top + y) * width * channels + left);
    }
  });
  return { width, height, channels, pixels };
}
