/** What a data set counts of each image: the size of its source, and how bright it is. */

/** Bins of a histogram, of eight gray levels each. */
export const EXPOSURE_BINS = 32;
export const LEVELS_PER_BIN = 256 / EXPOSURE_BINS;

export interface ImageExposure {
  /** Bin of the mean level. */
  mean: number;
  /** Number of samples in each bin, with spaces between: a plan has a million of them in memory. */
  levels: string;
}

export interface ImageFacts extends ImageExposure {
  /** Size of the source image, upright and before it is cropped. */
  width: number;
  height: number;
}

/** @param pixels uint8 of a stored image, of any shape */
export function exposureOf(pixels: Uint8Array): ImageExposure {
  const counts = new Uint32Array(EXPOSURE_BINS);
  let sum = 0;
  for (const level of pixels) {
    sum += level;
    counts[level >> 3] = (counts[level >> 3] as number) + 1;
  }
  return { mean: Math.floor(sum / pixels.length / LEVELS_PER_BIN), levels: counts.join(' ') };
}
