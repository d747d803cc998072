/** Changes the contrast of an image by its own values. */
import type { PreprocessSpec } from '../../spec/preprocess.js';
import { equalizeAdaptively } from './clahe.js';
import { toGray } from './color.js';
import { applyRange, percentileRange } from './window.js';

/** Percentiles that `stretch` maps to 0 and 255. */
const STRETCHED = [1, 99] as const;

/**
 * @param pixels [height, width, channels] uint8. All channels of a pixel change by the same amount
 *   (`clahe`) or in the same way (`stretch`).
 * @returns pixels of the same shape.
 */
export function adjustContrast(
  pixels: Uint8Array,
  { width, height }: { width: number; height: number },
  channels: 1 | 3,
  contrast: PreprocessSpec['contrast'],
): Uint8Array {
  if (contrast === 'none') return pixels;
  if (contrast === 'stretch') return applyRange(pixels, percentileRange(pixels, STRETCHED));
  if (channels === 1) return equalizeAdaptively(pixels, width, height);
  const luma = toGray(pixels);
  const equalized = equalizeAdaptively(luma, width, height);
  return Uint8Array.from(pixels, (value, i) => {
    const pixel = Math.floor(i / 3);
    const changed = value + (equalized[pixel] as number) - (luma[pixel] as number);
    return Math.min(255, Math.max(0, changed));
  });
}
