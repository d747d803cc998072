/**
 * Texture by the gray levels of neighboring pixels: the gray level co-occurrence matrix (Haralick
 * et al. 1973; IBSI, section 3.6), as means over four directions.
 */
import { type GrayImage, plogp } from './gray-levels.js';

/** Rows and columns to the neighbor. */
export const DIRECTIONS = [
  [0, 1],
  [1, 0],
  [1, 1],
  [1, -1],
] as const;

export function cooccurrenceFeatures(image: GrayImage): Record<string, number> {
  const all = DIRECTIONS.map((direction) => featuresOf(cooccurrence(image, direction), image));
  const names = Object.keys(all[0] as Record<string, number>);
  return Object.fromEntries(
    names.map((name) => [name, all.reduce((sum, one) => sum + (one[name] as number), 0) / all.length]),
  );
}

/** Shares of pairs of neighbors by their levels, in both orders: [levels, levels]. */
function cooccurrence(
  { side, levels, grays }: GrayImage,
  [down, right]: readonly [number, number],
): Float64Array {
  const n = grays.length;
  const counts = new Float64Array(n * n);
  let pairs = 0;
  for (let row = 0; row + down < side; row++) {
    for (let column = Math.max(0, -right); column < side && column + right < side; column++) {
      const a = levels[row * side + column] as number;
      const b = levels[(row + down) * side + column + right] as number;
      counts[a * n + b] = (counts[a * n + b] as number) + 1;
      counts[b * n + a] = (counts[b * n + a] as number) + 1;
      pairs += 2;
    }
  }
  return counts.map((count) => count / Math.max(1, pairs));
}

function featuresOf(p: Float64Array, { grays, bins }: GrayImage): Record<string, number> {
  const n = grays.length;
  const own = new Float64Array(n);
  const sums = new Float64Array(2 * bins + 1);
  const differences = new Float64Array(bins);
  const visit = (each: (share: number, i: number, j: number) => void) => {
    for (let at = 0; at < p.length; at++) {
      const share = p[at] as number;
      if (share > 0) each(share, Math.floor(at / n), at % n);
    }
  };
  let mean = 0;
  visit((share, i, j) => {
    const [a, b] = [grays[i] as number, grays[j] as number];
    own[i] = (own[i] as number) + share;
    mean += a * share;
    sums[a + b] = (sums[a + b] as number) + share;
    differences[Math.abs(a - b)] = (differences[Math.abs(a - b)] as number) + share;
  });
  let [product, squares, tendency, shade, prominence, energy, most] = [0, 0, 0, 0, 0, 0, 0];
  visit((share, i, j) => {
    const [a, b] = [grays[i] as number, grays[j] as number];
    const both = a + b - 2 * mean;
    product += a * b * share;
    squares += (a - mean) ** 2 * share;
    tendency += both ** 2 * share;
    shade += both ** 3 * share;
    prominence += both ** 4 * share;
    energy += share * share;
    most = Math.max(most, share);
  });
  return {
    Autocorrelation: product,
    JointAverage: mean,
    ClusterProminence: prominence,
    ClusterShade: shade,
    ClusterTendency: tendency,
    Correlation: squares > 0 ? (product - mean ** 2) / squares : 1,
    ...ofDifferences(differences, bins),
    JointEnergy: energy,
    JointEntropy: entropy(p),
    ...information(p, own),
    MaximumProbability: most,
    SumEntropy: entropy(sums),
    SumSquares: squares,
  };
}

/** @param shares of pairs by the difference of their levels */
function ofDifferences(shares: Float64Array, bins: number): Record<string, number> {
  const sum = (weight: (k: number) => number) =>
    shares.reduce((total, share, k) => total + share * weight(k), 0);
  const average = sum((k) => k);
  return {
    Contrast: sum((k) => k * k),
    DifferenceAverage: average,
    DifferenceEntropy: entropy(shares),
    DifferenceVariance: sum((k) => (k - average) ** 2),
    Id: sum((k) => 1 / (1 + k)),
    Idm: sum((k) => 1 / (1 + k * k)),
    Idmn: sum((k) => 1 / (1 + (k / bins) ** 2)),
    Idn: sum((k) => 1 / (1 + k / bins)),
    InverseVariance: sum((k) => (k > 0 ? 1 / (k * k) : 0)),
  };
}

/** Information measures of correlation. */
function information(p: Float64Array, own: Float64Array): { Imc1: number; Imc2: number } {
  const n = own.length;
  const [joint, single] = [entropy(p), entropy(own)];
  // Sums of p log(px py) and of px py log(px py) fall apart into those of one level.
  let crossed = 0;
  for (let i = 0; i < n; i++) if ((own[i] as number) > 0) crossed -= 2 * plogp(own[i] as number);
  const gain = Math.max(0, crossed - joint);
  return {
    Imc1: single > 0 ? (joint - crossed) / single : 0,
    Imc2: Math.sqrt(1 - Math.exp(-2 * gain)),
  };
}

function entropy(shares: Float64Array): number {
  return -shares.reduce((sum, share) => sum + plogp(share), 0);
}
