/** Crops, resizes and pads an opened image to a square of a given size. */
import type { Sharp } from 'sharp';
import type { SquarePlan } from './square.js';

/**
 * Resizes with a Lanczos filter (three lobes; Duchon 1979), antialiased when downsampling. JPEG's
 * shrink-on-load is disabled, since its pixels differ from those of the same image in another
 * format.
 *
 * @param resolution side of the output in pixels.
 * @returns a pipeline whose raw output is [resolution, resolution, channels] uint8.
 */
export function resizeSquare(pipeline: Sharp, plan: SquarePlan, resolution: number): Sharp {
  const { source, target } = plan;
  const scaled = pipeline
    .extract(source)
    .resize(target.width, target.height, { fit: 'fill', kernel: 'lanczos3', fastShrinkOnLoad: false });
  const right = resolution - target.left - target.width;
  const bottom = resolution - target.top - target.height;
  if (target.left + target.top + right + bottom === 0) return scaled;
  return scaled.extend({ left: target.left, top: target.top, right, bottom, background: '#000000' });
}
