/**
 * Converts ticks of train.py, which counts from 0 at each start, to the progress of one training
 * over all its attempts.
 */
import type { TrainingCounters } from '../../checkpoints/manifest.js';
import { meanOf, type StatsRecord, type Tick } from './run-folder.js';

/** A point of the training at which there is a snapshot. */
export interface Point {
  /** File name of its snapshot. */
  file: string;
  counters: TrainingCounters;
  /** Number of lines of stats.jsonl up to it. */
  lines: number;
  /** Whether metrics are computed on it. */
  snapshot: boolean;
}

export const INITIAL_COUNTERS: TrainingCounters = {
  step: 0,
  images: 0,
  dataPosition: 0,
  augmentation: { p: 0, images: 0, signs: 0 },
  tick: { index: 0, startImages: 0, startSeconds: 0, moments: {} },
  seconds: 0,
};

/**
 * The counters of the training at the end of a tick.
 *
 * @param base counters when this run of train.py started
 * @param index of the tick within this run, from 0
 */
export function countersAt(
  base: TrainingCounters,
  tick: Tick,
  index: number,
  batch: number,
): TrainingCounters {
  const shown = Math.round(tick.kimg * 1000);
  const images = base.images + shown;
  const seconds = base.seconds + (meanOf(tick.record, 'Timing/total_sec') ?? 0);
  return {
    step: base.step + Math.round(shown / batch),
    images,
    dataPosition: images,
    augmentation: { p: meanOf(tick.record, 'Progress/augment') ?? 0, images: 0, signs: 0 },
    tick: { index: base.tick.index + index + 1, startImages: images, startSeconds: seconds, moments: {} },
    seconds,
  };
}

/** The tick's line of stats.jsonl, with totals over all attempts. */
export function continuedLine(record: StatsRecord, { tick, images, seconds }: TrainingCounters): string {
  const values: Record<string, number> = {
    'Progress/tick': tick.index - 1,
    'Progress/kimg': images / 1000,
    'Timing/total_sec': seconds,
    'Timing/total_hours': seconds / 3600,
    'Timing/total_days': seconds / 86_400,
  };
  const counted = Object.entries(values)
    .filter(([name]) => name in record)
    .map(([name, mean]) => [name, { num: 1, mean, std: 0 }] as const);
  return JSON.stringify({ ...record, ...Object.fromEntries(counted) });
}

/** Mean losses of a tick, by their names. */
export function lossesOf(record: StatsRecord): Record<string, number> {
  const means = Object.keys(record)
    .filter((name) => name.includes('loss') || name.includes('penalty'))
    .map((name) => [name, meanOf(record, name)] as const);
  return Object.fromEntries(means.filter((entry): entry is [string, number] => entry[1] !== null));
}

export function imagesPerSecond(record: StatsRecord): number {
  const seconds = meanOf(record, 'Timing/sec_per_kimg') ?? 0;
  return seconds > 0 ? Math.round(100_000 / seconds) / 100 : 0;
}
