/** How unusual a score is for real images: p-values, tests of shares, areas under ROC curves. */
import type { Interval } from '../../spec/analyses.js';
import { normalInterval } from '../metrics/intervals.js';

/** Share of the real scores that the tail is fitted to, and limits of their number. */
const TAIL = { share: 0.1, least: 5, most: 250 };
/** One-sided 95 %. */
const ONE_SIDED = 1.645;

/** Scores of real images, which others are read by. A higher score is more unusual. */
export class Calibration {
  /** Descending. */
  private readonly sorted: Float64Array;
  private readonly tail: { size: number; from: number; scale: number };

  /** @throws RangeError without scores */
  constructor(real: ArrayLike<number>) {
    if (real.length === 0) throw new RangeError('no real scores');
    this.sorted = Float64Array.from(real).sort().reverse();
    const n = this.sorted.length;
    const size = Math.min(n, Math.max(TAIL.least, Math.min(TAIL.most, Math.round(TAIL.share * n))));
    const from = this.sorted[size - 1] as number;
    let excess = 0;
    for (let i = 0; i < size; i++) excess += (this.sorted[i] as number) - from;
    // An upper bound of the mean excess: the fit to few images must not overstate what is unusual.
    const scale = (excess / Math.max(1, size - 1)) * (1 + ONE_SIDED / Math.sqrt(size));
    this.tail = { size, from, scale };
  }

  /** Whether all real images have the same score. */
  get isConstant(): boolean {
    return this.sorted[0] === this.sorted.at(-1);
  }

  /**
   * Share of real images with at least this score. Above the tail's start it is extrapolated by an
   * exponential tail; for logarithms of distances this is Hill's estimator (Hill 1975, section 3).
   */
  pValue(score: number): number {
    const n = this.sorted.length;
    const { size, from, scale } = this.tail;
    if (score > from) return scale > 0 ? (size / (n + 1)) * Math.exp(-(score - from) / scale) : 1 / (n + 1);
    let low = 0;
    let high = n;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.sorted[middle] as number) >= score) low = middle + 1;
      else high = middle;
    }
    return Math.min(1, (low + 1) / (n + 1));
  }

  /** The score that a share of the real images exceeds, or the highest of few; and its rank. */
  threshold(share: number): { score: number; rank: number } {
    const rank = Math.max(1, Math.floor(share * (this.sorted.length + 1)));
    return { score: this.sorted[rank - 1] as number, rank };
  }
}

/**
 * Probability that at least `count` of `images` exceed the `rank`-th highest of `real` scores, when
 * all are of one distribution: the beta-binomial distribution, which accounts for the real images
 * that the threshold was taken from.
 */
export function exceedancePValue(count: number, images: number, rank: number, real: number): number {
  const [a, b] = [rank, real + 1 - rank];
  let log = 0;
  for (let j = 0; j < images; j++) log += Math.log((b + j) / (a + b + j));
  let below = 0;
  for (let x = 0; x < count; x++) {
    below += Math.exp(log);
    log += Math.log((((images - x) / (x + 1)) * (a + x)) / (b + images - x - 1));
  }
  return Math.max(0, Math.min(1, 1 - below));
}

/** Probability that a score of `a` exceeds one of `b`, ties counted half; with its interval. */
export function areaUnderCurve(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
): { area: number; interval: Interval } {
  const area = rankSum(a, b) / (a.length * b.length);
  const { low, high } = normalInterval(area, areaError(area, a.length, b.length));
  return { area, interval: { low: Math.max(0, low), high: Math.min(1, high) } };
}

/** Standard error of an area under a ROC curve (Hanley and McNeil 1982, equation 1). */
export function areaError(area: number, positives: number, negatives: number): number {
  const [q1, q2] = [area / (2 - area), (2 * area ** 2) / (1 + area)];
  const variance =
    (area * (1 - area) + (positives - 1) * (q1 - area ** 2) + (negatives - 1) * (q2 - area ** 2)) /
    (positives * negatives);
  return Math.sqrt(Math.max(0, variance));
}

/** The Mann-Whitney statistic: pairs in which `a` is greater, ties counted half. */
export function rankSum(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const others = Float64Array.from(b).sort();
  let sum = 0;
  for (const value of Array.from(a)) sum += (below(others, value, false) + below(others, value, true)) / 2;
  return sum;
}

/** Number of sorted values below a value, or up to it. */
function below(sorted: Float64Array, value: number, including: boolean): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = sorted[middle] as number;
    if (other < value || (including && other === value)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Mean and standard deviation. */
export function moments(values: ArrayLike<number>): { mean: number; deviation: number } {
  const n = values.length;
  let [sum, squares] = [0, 0];
  for (let i = 0; i < n; i++) sum += values[i] as number;
  for (let i = 0; i < n; i++) squares += ((values[i] as number) - sum / n) ** 2;
  return { mean: sum / n, deviation: Math.sqrt(squares / Math.max(1, n - 1)) };
}
