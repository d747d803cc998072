/**
 * How much each key of a hyperparameter sweep matters: the share of the variance over settings that
 * the key explains by itself, its main effect (Sobol 1993; Hutter et al. 2014, "An efficient
 * approach for assessing hyperparameter importance"). It is estimated by epsilon squared (Kelley
 * 1935, "An unbiased correlation ratio measure") of the ranks of the metric, so that one training
 * that diverged does not decide; a permutation test tells it from chance.
 */
import { RandomStream } from '../core/random.js';
import type { SettingValue } from '../spec/hyperparameter-sweep.js';

/** A setting with the values of all keys of the sweep, and its metric. */
export interface MeasuredSetting {
  values: Readonly<Record<string, SettingValue>>;
  metric: number;
}

export interface KeyImportance {
  key: string;
  /** From 0 to 1; null where the settings do not vary it, or in too many groups. */
  share: number | null;
  /** Share of random assignments of the metrics that explain as much. */
  chance: number | null;
}

/** Fewer settings show nothing but chance. */
export const MIN_SETTINGS = 8;
/** Numbers with more values than this are put into groups of neighbors. */
const MOST_GROUPS = 5;
/** Settings that a group of neighbors has at least. */
const LEAST_IN_GROUP = 3;
const PERMUTATIONS = 1_000;
const SEED = 0;

/** The most important key first; null for fewer than {@link MIN_SETTINGS} settings. */
export function importanceOfKeys(
  settings: readonly MeasuredSetting[],
  keys: readonly string[],
): KeyImportance[] | null {
  if (settings.length < MIN_SETTINGS) return null;
  const ranks = ranksOf(settings.map(({ metric }) => metric));
  return keys
    .map((key) => importanceOf(key, groupsOf(settings.map(({ values }) => values[key] ?? null)), ranks))
    .sort((a, b) => (b.share ?? -1) - (a.share ?? -1));
}

function importanceOf(key: string, groups: readonly number[], ranks: readonly number[]): KeyImportance {
  const count = Math.max(...groups) + 1;
  if (count < 2 || ranks.length - count < 2) return { key, share: null, chance: null };
  const share = epsilonSquared(groups, count, ranks);
  const random = new RandomStream(SEED, `importance ${key}`);
  const asHigh = Array.from({ length: PERMUTATIONS }, () =>
    epsilonSquared(groups, count, random.shuffle(ranks)),
  ).filter((other) => other >= share).length;
  return { key, share: Math.max(0, share), chance: (asHigh + 1) / (PERMUTATIONS + 1) };
}

/** (between - (groups - 1) within / (n - groups)) / total, of sums of squares. */
function epsilonSquared(groups: readonly number[], count: number, ranks: readonly number[]): number {
  const n = ranks.length;
  const mean = ranks.reduce((sum, rank) => sum + rank, 0) / n;
  const sums = new Array<number>(count).fill(0);
  const sizes = new Array<number>(count).fill(0);
  let total = 0;
  for (const [i, rank] of ranks.entries()) {
    const group = groups[i] as number;
    sums[group] = (sums[group] as number) + rank - mean;
    sizes[group] = (sizes[group] as number) + 1;
    total += (rank - mean) ** 2;
  }
  if (total === 0) return 0;
  const between = sums.reduce((sum, value, group) => sum + value ** 2 / (sizes[group] as number), 0);
  return (between - ((count - 1) * (total - between)) / (n - count)) / total;
}

/** The group of each value, from 0: equal values, or neighbors where numbers have many. */
function groupsOf(values: readonly SettingValue[]): number[] {
  const distinct = [...new Set(values)];
  if (distinct.length <= MOST_GROUPS || !values.every((value) => typeof value === 'number'))
    return values.map((value) => distinct.indexOf(value));
  const count = Math.max(2, Math.min(MOST_GROUPS, Math.floor(values.length / LEAST_IN_GROUP)));
  const ranks = ranksOf(values as number[]);
  return ranks.map((rank) => Math.min(count - 1, Math.floor((rank / values.length) * count)));
}

/** From 0; equal values have the mean of their ranks. */
function ranksOf(values: readonly number[]): number[] {
  const sorted = [...values].sort((a, b) => a - b);
  return values.map((value) => (sorted.indexOf(value) + sorted.lastIndexOf(value)) / 2);
}
