/** Which snapshots of a training are kept, and which are deleted. */
import type { ListEntry } from './list.js';

export interface SnapshotRule {
  /** So many with the lowest metric. */
  best: number;
  /** So many of the newest. */
  last: number;
  /** Every so many-th, counted from the start of the training; null: none for that reason. */
  every: number | null;
  /** Name of the metric. */
  metric: string | null;
  /** Interval of snapshots. */
  snapshotKimg: number;
}

/** One without metrics may still be in evaluation until so many newer ones exist. */
const IN_EVALUATION = 32;

/** Whether the rule keeps all snapshots, whatever their metrics are. */
export function keepsAll({ every }: SnapshotRule): boolean {
  return every === 1;
}

/**
 * Snapshots that no part of the rule keeps. The newest and the best are never among them.
 *
 * @param snapshots in order of their steps
 * @param values the metric by step, of those that have been evaluated
 */
export function expiredSnapshots(
  snapshots: readonly ListEntry[],
  values: ReadonlyMap<number, number>,
  { best, last, every, snapshotKimg }: SnapshotRule,
): ListEntry[] {
  const lowest = snapshots
    .filter(({ step }) => values.has(step))
    .sort((a, b) => (values.get(a.step) as number) - (values.get(b.step) as number))
    .slice(0, Math.max(1, best));
  const isRegular = ({ kimg }: ListEntry) => every !== null && Math.round(kimg / snapshotKimg) % every === 0;
  return snapshots.filter((entry, i) => {
    const newer = snapshots.length - 1 - i;
    if (newer < Math.max(1, last) || isRegular(entry) || lowest.includes(entry)) return false;
    return values.has(entry.step) || newer >= IN_EVALUATION;
  });
}
