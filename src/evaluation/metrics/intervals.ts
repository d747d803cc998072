/** 95 % intervals of values, from what single images contribute to them. */
import type { Interval } from '../../spec/analyses.js';

/** Quantile of the normal distribution. */
export const NORMAL = 1.959964;

/** Around a value, from its standard error. */
export function normalInterval(value: number, error: number): Interval {
  return { low: value - NORMAL * error, high: value + NORMAL * error };
}

/** Quantiles of Student's t by degrees of freedom, up to those where the normal one serves. */
const STUDENT = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16];

/** The quantile of Student's t, approximated by the normal one with many degrees of freedom. */
export function studentQuantile(freedom: number): number {
  return STUDENT[freedom - 1] ?? NORMAL * (1 + 1.2 / freedom);
}

/**
 * The squared standard error of a value by the jackknife (Efron and Stein 1981, "The jackknife
 * estimate of variance", equation 1.4).
 *
 * @param without the value without each of the images
 */
export function jackknifeVariance(without: Float64Array): number {
  const n = without.length;
  return ((n - 1) ** 2 / n) * sampleVariance(without);
}

/** Variance with the divisor n - 1. */
export function sampleVariance(values: Float64Array): number {
  const n = values.length;
  if (n < 2) return 0;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
}

/** Of the share of `images` independent images (Wilson 1927). */
export function shareInterval(share: number, images: number): Interval {
  return fractionInterval(share, 0, images);
}

/**
 * Of a fraction (Wilson 1927), with the number of independent images that its variance stands for:
 * unlike an interval around the value, it is not empty at 0 and 1.
 *
 * @param images of the smaller set: there are no more independent ones
 */
export function fractionInterval(fraction: number, variance: number, images: number): Interval {
  const own = variance > 0 ? (fraction * (1 - fraction)) / variance : images;
  const n = Math.max(1, Math.min(images, own));
  const z = NORMAL ** 2 / n;
  const middle = (fraction + z / 2) / (1 + z);
  const half = (NORMAL / (1 + z)) * Math.sqrt((fraction * (1 - fraction)) / n + z / (4 * n));
  // At 0 and 1 rounding would leave a little.
  return {
    low: fraction === 0 ? 0 : Math.max(0, middle - half),
    high: fraction === 1 ? 1 : Math.min(1, middle + half),
  };
}
