/** Converts interleaved 8-bit pixels between gray and RGB. */

/**
 * Luma of ITU-R BT.601-7, section 2.5.1: 0.299 R + 0.587 G + 0.114 B, rounded. Gray values stored
 * as RGB are unchanged.
 *
 * @param rgb [n, 3] uint8.
 * @returns [n] uint8.
 */
export function toGray(rgb: Uint8Array): Uint8Array {
  const gray = new Uint8Array(rgb.length / 3);
  for (let i = 0; i < gray.length; i++) {
    const [r, g, b] = [rgb[3 * i] as number, rgb[3 * i + 1] as number, rgb[3 * i + 2] as number];
    // Integer coefficients, so that the result is the same on every machine.
    gray[i] = (299 * r + 587 * g + 114 * b + 500) / 1000;
  }
  return gray;
}

/**
 * @param gray [n] uint8.
 * @returns [n, 3] uint8 with three equal channels.
 */
export function toRgb(gray: Uint8Array): Uint8Array {
  const rgb = new Uint8Array(gray.length * 3);
  for (let i = 0; i < gray.length; i++) rgb.fill(gray[i] as number, 3 * i, 3 * i + 3);
  return rgb;
}

/** Converts pixels of 1 or 3 channels to the given number of channels. */
export function withChannels(pixels: Uint8Array, from: 1 | 3, to: 1 | 3): Uint8Array {
  if (from === to) return pixels;
  return to === 1 ? toGray(pixels) : toRgb(pixels);
}
