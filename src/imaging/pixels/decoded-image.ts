/** What decoders of image files give, and how large images may be. */

import { ImageError } from '../../core/errors.js';

/** Images with more pixels are rejected by their header, before anything is decoded. */
export const MAX_PIXELS = 100_000_000;

/**
 * Longest side. It is that of JPEG and DICOM; the tables of the resampler have some six entries for
 * each pixel of a side.
 */
export const MAX_SIDE = 65_535;

/** @throws ImageError by the header, before anything is decoded. */
export function requireSize(size: { width: number; height: number }, where?: string): void {
  const { width, height } = size;
  if (!width || !height) throw new ImageError({ what: 'has no pixels', where });
  const limit =
    width * height > MAX_PIXELS
      ? `at most ${MAX_PIXELS / 1e6} million are decoded`
      : Math.max(width, height) > MAX_SIDE
        ? `a side has at most ${MAX_SIDE}`
        : null;
  if (limit === null) return;
  throw new ImageError({
    what: `has ${width} x ${height} pixels; ${limit}`,
    where,
    hint: 'Make it smaller.',
  });
}

/** A decoded image, upright, 8 bits, without alpha. */
export interface DecodedImage {
  /** Size in pixels. */
  width: number;
  height: number;
  /** Channels: 1 when the file is gray, otherwise 3. */
  channels: 1 | 3;
  notes: string[];
  /** Whole rows from the top, [rows, width, channels] uint8. Can be read repeatedly. */
  rows(): AsyncIterable<Uint8Array>;
  /** The same with the range of values of this image alone, for 16-bit samples. */
  ownRows?(): AsyncIterable<Uint8Array>;
}
