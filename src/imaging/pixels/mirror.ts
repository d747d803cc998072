/** Flips an image horizontally. */

/**
 * @param pixels [height, width, channels] uint8.
 * @returns a flipped copy of the same shape.
 */
export function mirrorImage(pixels: Uint8Array, width: number, height: number, channels: number): Uint8Array {
  const flipped = new Uint8Array(pixels.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * width + x) * channels;
      flipped.set(pixels.subarray(from, from + channels), (y * width + (width - 1 - x)) * channels);
    }
  }
  return flipped;
}
