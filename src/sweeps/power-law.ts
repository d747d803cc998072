/**
 * Fits a*n^-b + c to a metric against the number n of training images, the form that losses of
 * networks follow (Hestness et al. 2017, "Deep learning scaling is predictable, empirically",
 * equation 1), with intervals by a bootstrap of its residuals (Efron and Tibshirani 1993, "An
 * introduction to the bootstrap", section 9.4).
 */
import { RandomStream } from '../core/random.js';
import type { Interval } from '../spec/analyses.js';

/** One run: the number of its training images, and its metric. */
export interface Observation {
  size: number;
  value: number;
}

/** a >= 0, b > 0. */
export interface PowerLaw {
  a: number;
  b: number;
  c: number;
}

export interface FittedPowerLaw extends PowerLaw {
  /** Fits to resampled residuals. */
  resampled: PowerLaw[];
}

/** Fewer sizes determine three coefficients with nothing left to judge them by. */
export const MIN_SIZES = 4;
const RESAMPLES = 1_000;
const SEED = 0;
/** Exponents that are tried; published ones for images lie between 0.1 and 1. */
const [MIN_EXPONENT, MAX_EXPONENT, EXPONENTS, REFINEMENTS] = [0.05, 4, 40, 25];

/** @returns null for fewer than {@link MIN_SIZES} sizes, or as many runs */
export function fitPowerLaw(observations: readonly Observation[]): FittedPowerLaw | null {
  const sizes = new Set(observations.map(({ size }) => size));
  if (sizes.size < MIN_SIZES || observations.length <= MIN_SIZES) return null;
  const weights = weightsOf(observations);
  const law = leastSquares(observations, weights);
  return { ...law, resampled: resample(observations, weights, law) };
}

export function valueAt({ a, b, c }: PowerLaw, size: number): number {
  return a * size ** -b + c;
}

/** The 95 % interval of the curve at a size. */
export function bandAt({ resampled }: FittedPowerLaw, size: number): Interval {
  return intervalOf(resampled.map((law) => valueAt(law, size)));
}

/** The 2.5th and 97.5th percentile. */
export function intervalOf(values: readonly number[]): Interval {
  const sorted = [...values].sort((x, y) => x - y);
  const at = (fraction: number) => sorted[Math.round(fraction * (sorted.length - 1))] as number;
  return { low: at(0.025), high: at(0.975) };
}

/**
 * The number of images from which on `step` more lower the metric by less than `gain`.
 *
 * @returns at least `from`; infinite if that is above a million
 */
export function enoughImages(
  law: PowerLaw,
  { gain, step, from }: { gain: number; step: number; from: number },
): number {
  const gainAt = (size: number) => valueAt(law, size) - valueAt(law, size + step);
  let [low, high] = [from, 1e6];
  if (gainAt(low) < gain) return low;
  if (gainAt(high) >= gain) return Number.POSITIVE_INFINITY;
  while (high - low > 0.5) {
    const middle = (low + high) / 2;
    if (gainAt(middle) < gain) high = middle;
    else low = middle;
  }
  return high;
}

/**
 * The noise of a distance grows with the distance, so residuals count relative to it; a kernel
 * distance may be 0 or negative, then all count the same.
 */
function weightsOf(observations: readonly Observation[]): number[] {
  const isPositive = observations.every(({ value }) => value > 0);
  return observations.map(({ value }) => (isPositive ? 1 / value : 1));
}

/** The runs of one size, as the regression needs them. */
interface SizeSums {
  size: number;
  /** Sum of squared weights, and of values with these. */
  weight: number;
  value: number;
}

/** For each exponent the other two coefficients are linear; the best exponent is refined. */
function leastSquares(observations: readonly Observation[], weights: readonly number[]): PowerLaw {
  const sums = sumsBySize(observations, weights);
  const squares = observations.reduce((sum, { value }, i) => sum + ((weights[i] as number) * value) ** 2, 0);
  const ratio = MAX_EXPONENT / MIN_EXPONENT;
  const exponent = (index: number) => MIN_EXPONENT * ratio ** (index / (EXPONENTS - 1));
  const at = (b: number) => linearPart(sums, squares, b);
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let index = 0; index < EXPONENTS; index++) {
    const { error } = at(exponent(index));
    if (error < least) [best, least] = [index, error];
  }
  let [low, high] = [exponent(Math.max(0, best - 1)), exponent(Math.min(EXPONENTS - 1, best + 1))];
  for (let i = 0; i < REFINEMENTS; i++) {
    const third = (high - low) / 3;
    if (at(low + third).error < at(high - third).error) high -= third;
    else low += third;
  }
  return at((low + high) / 2).law;
}

function sumsBySize(observations: readonly Observation[], weights: readonly number[]): SizeSums[] {
  const bySize = new Map<number, SizeSums>();
  for (const [i, { size, value }] of observations.entries()) {
    const squared = (weights[i] as number) ** 2;
    const sums = bySize.get(size) ?? { size, weight: 0, value: 0 };
    sums.weight += squared;
    sums.value += squared * value;
    bySize.set(size, sums);
  }
  return [...bySize.values()];
}

/**
 * Weighted linear regression of the values on n^-b, with a slope of at least 0.
 *
 * @param squares weighted sum of the squared values
 */
function linearPart(sums: readonly SizeSums[], squares: number, b: number): { law: PowerLaw; error: number } {
  let [sw, sx, sy, sxx, sxy] = [0, 0, 0, 0, 0];
  for (const { size, weight, value } of sums) {
    const x = size ** -b;
    sw += weight;
    sx += weight * x;
    sy += value;
    sxx += weight * x * x;
    sxy += x * value;
  }
  const spread = sxx - (sx * sx) / sw;
  const a = Math.max(0, spread > 0 ? (sxy - (sx * sy) / sw) / spread : 0);
  const c = (sy - a * sx) / sw;
  const error = squares - 2 * (a * sxy + c * sy) + a * a * sxx + 2 * a * c * sx + c * c * sw;
  return { law: { a, b, c }, error };
}

/** Residuals are enlarged by the freedom that three coefficients take from them. */
function resample(
  observations: readonly Observation[],
  weights: readonly number[],
  law: PowerLaw,
): PowerLaw[] {
  const count = observations.length;
  const enlarge = Math.sqrt(count / (count - 3));
  const residuals = observations.map(
    ({ size, value }, i) => enlarge * (weights[i] as number) * (value - valueAt(law, size)),
  );
  const random = new RandomStream(SEED, 'power-law');
  return Array.from({ length: RESAMPLES }, () => {
    const drawn = observations.map(({ size }, i) => ({
      size,
      value: valueAt(law, size) + (residuals[random.integer(count)] as number) / (weights[i] as number),
    }));
    return leastSquares(drawn, weights);
  });
}
