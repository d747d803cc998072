/** Chooses the range of 16-bit values that is mapped to 8 bits. */
import type { PreprocessSpec } from '../../spec/preprocess.js';
import { percentileRange, type ValueRange } from './window.js';

export interface WindowChoice {
  range: ValueRange;
  /** How the range was chosen, in words. */
  reason: string;
  /** Whether it follows from the data alone, and should be checked. */
  isGuess: boolean;
}

/** Depths of the detectors and export formats in use, of which `auto` chooses one. */
const DEPTHS = [8, 10, 12, 14, 16];
/** Values from here on are of 16 bits, whatever the others are. */
export const DEEPEST = 2 ** 14;
/** The reason of a window that no image needs. */
export const NO_DEEP_IMAGE = 'no 16-bit image was found';
const FULL: ValueRange = { low: 0, high: 65_535 };

/** @param samples 16-bit samples of one or several images. Empty: the full range. */
export function chooseRange(window: PreprocessSpec['window'], samples: Uint16Array): WindowChoice {
  if (window === 'full') return { range: FULL, reason: 'full range of 16 bits, as set', isGuess: false };
  if (window !== 'auto' && 'bits' in window)
    return { range: bitRange(window.bits), reason: `${window.bits} bits, as set`, isGuess: false };
  if (samples.length === 0) return { range: FULL, reason: NO_DEEP_IMAGE, isGuess: false };
  if (window !== 'auto') {
    const range = percentileRange(samples, window.percentiles);
    const [low, high] = window.percentiles;
    return { range, reason: `percentiles ${low} and ${high} of a sample of the images`, isGuess: false };
  }
  const highest = samples.reduce((a, b) => Math.max(a, b), 0);
  const bits = DEPTHS.find((depth) => highest < 2 ** depth) ?? 16;
  return {
    range: bitRange(bits),
    reason: `${bits} bits, since the highest value of a sample of the images is ${highest}`,
    // The upper half of 16 bits is used only by data of 16 bits.
    isGuess: highest < 2 ** 15,
  };
}

function bitRange(bits: number): ValueRange {
  return { low: 0, high: 2 ** bits - 1 };
}
