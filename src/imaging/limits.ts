/** Limits of what is decoded. */

/** Images with more pixels are rejected by their header, before anything is decoded. */
export const MAX_PIXELS = 100_000_000;
