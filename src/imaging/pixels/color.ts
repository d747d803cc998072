/** Converts interleaved 8-bit pixels between gray, RGB and CMYK. */
import type { DecodedImage } from './decoded-image.js';

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
    const r = rgb[3 * i] as number;
    const g = rgb[3 * i + 1] as number;
    const b = rgb[3 * i + 2] as number;
    // Integer coefficients with 16 fraction bits, as in Pillow.
    gray[i] = (19595 * r + 38470 * g + 7471 * b + 32768) >> 16;
  }
  return gray;
}

/**
 * @param gray [n] uint8.
 * @returns [n, 3] uint8 with three equal channels.
 */
export function toRgb(gray: Uint8Array): Uint8Array {
  const rgb = new Uint8Array(gray.length * 3);
  for (let i = 0; i < gray.length; i++) {
    const value = gray[i] as number;
    rgb[3 * i] = value;
    rgb[3 * i + 1] = value;
    rgb[3 * i + 2] = value;
  }
  return rgb;
}

/**
 * The light that is left by ink over white, without a profile: (1 - C)(1 - K) and so on.
 *
 * @param cmyk [n, 4] uint8, 255 for full ink.
 * @returns [n, 3] uint8.
 */
export function cmykToRgb(cmyk: Uint8Array): Uint8Array {
  const rgb = new Uint8Array((cmyk.length / 4) * 3);
  for (let i = 0, j = 0; i < cmyk.length; i += 4) {
    const paper = 255 - (cmyk[i + 3] as number);
    for (let ink = 0; ink < 3; ink++) rgb[j++] = ((255 - (cmyk[i + ink] as number)) * paper + 127) / 255;
  }
  return rgb;
}

/** Converts pixels of 1 or 3 channels to the given number of channels. */
export function withChannels(pixels: Uint8Array, from: 1 | 3, to: 1 | 3): Uint8Array {
  if (from === to) return pixels;
  return to === 1 ? toGray(pixels) : toRgb(pixels);
}

/** Gray levels of a whole image: [height, width]. */
export async function grayOf(image: DecodedImage): Promise<Uint8Array> {
  const gray = new Uint8Array(image.width * image.height);
  let at = 0;
  for await (const strip of image.rows()) {
    const levels = withChannels(strip, image.channels, 1);
    gray.set(levels, at);
    at += levels.length;
  }
  return gray;
}
