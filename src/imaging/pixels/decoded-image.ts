/** What decoders of image files give, and how large images may be. */

/** Images with more pixels are rejected by their header, before anything is decoded. */
export const MAX_PIXELS = 100_000_000;

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
}
