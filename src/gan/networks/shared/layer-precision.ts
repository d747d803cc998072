/**
 * Which layers compute in half precision. Karras et al. 2020 (ADA), appendix, "Mixed-precision
 * training".
 */
import type { Tensor4D } from '@tensorflow/tfjs';
import { type HalfType, toFloat, toHalf } from '../../../nn/ops/half.js';
import type { NetworkConfig } from '../../config.js';

/** The precision of a layer. */
export interface LayerPrecision {
  /** The type of its features and of its copies of weights; null: single precision. */
  half: HalfType | null;
  /** Features are clamped to +-clamp; null: no clamp. */
  clamp: number | null;
}

/** Number of the highest resolutions that use half precision; they take nearly all of the time. */
const HALF_RESOLUTIONS = 4;
/** Lower resolutions always use single precision: they determine the layout of the image. */
const MIN_HALF_RESOLUTION = 8;
/** An order of magnitude above the usual values of features. */
const CLAMP = 256;

/** @param resolution of the layer, or for StyleGAN3 its sampling rate */
export function layerPrecision(
  { half, clamp, resolution: highest }: Pick<NetworkConfig, 'half' | 'clamp' | 'resolution'>,
  resolution: number,
): LayerPrecision {
  const first = Math.max(MIN_HALF_RESOLUTION, highest / 2 ** (HALF_RESOLUTIONS - 1));
  if (half === null || resolution < first) return { half: null, clamp };
  return { half, clamp: clamp ?? CLAMP };
}

/** Features of one layer, in the type of the next one. */
export function convertFeatures(x: Tensor4D, from: HalfType | null, to: HalfType | null): Tensor4D {
  return from === to ? x : toHalf(toFloat(x, from), to);
}
