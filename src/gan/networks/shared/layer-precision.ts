/**
 * Which layers compute in half precision. Karras et al. 2020 (ADA), appendix, "Mixed-precision
 * training".
 */
import type { Tensor4D } from '@tensorflow/tfjs';
import { type HalfType, toFloat, toHalf } from '../../../nn/ops/half.js';
import type { NetworkConfig } from '../../config.js';

/** How a layer computes. */
export interface LayerPrecision {
  /** The type of its features and of its copies of weights; null: single precision. */
  half: HalfType | null;
  /** Features are clamped to +-clamp; null: they are not. */
  clamp: number | null;
}

/** The number of highest resolutions in half precision, where nearly all of the time is spent. */
const HALF_RESOLUTIONS = 4;
/** But none below this: the smallest features decide the layout of the image. */
const LEAST_RESOLUTION = 8;
/** An order of magnitude more than features need. */
const CLAMP = 256;

/** @param resolution of the layer, or for StyleGAN3 its sampling rate */
export function layerPrecision(
  { half, clamp, resolution: highest }: Pick<NetworkConfig, 'half' | 'clamp' | 'resolution'>,
  resolution: number,
): LayerPrecision {
  const first = Math.max(LEAST_RESOLUTION, highest / 2 ** (HALF_RESOLUTIONS - 1));
  if (half === null || resolution < first) return { half: null, clamp };
  return { half, clamp: clamp ?? CLAMP };
}

/** Features of one layer, in the type of the next one. */
export function convertFeatures(x: Tensor4D, from: HalfType | null, to: HalfType | null): Tensor4D {
  return from === to ? x : toHalf(toFloat(x, from), to);
}
