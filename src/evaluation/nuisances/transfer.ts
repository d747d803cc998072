/** A transfer gives synthetic images one statistic of real images and leaves the rest unchanged. */
import type { SquareImage } from '../extractors/input.js';

/** Changes one image. */
export type Change = (image: SquareImage) => SquareImage;

/** Learns from some synthetic and some real images how to change the synthetic ones. */
export type Transfer = (synthetic: readonly SquareImage[], real: readonly SquareImage[]) => Change;

export function clamped(values: ArrayLike<number>): Uint8Array {
  return Uint8Array.from(values, (value) => Math.min(255, Math.max(0, Math.round(value))));
}
