/** Training statistics in StyleGAN3's format: one JSON line per tick in stats.jsonl. */
import type { TrainingCounters } from '../checkpoints/manifest.js';

type Tick = TrainingCounters['tick'];

/** Adds values to the running sums of a statistic. */
export function collect(tick: Tick, name: string, values: ArrayLike<number>): void {
  const moments = tick.moments[name] ?? [0, 0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    moments[0] += 1;
    moments[1] += value;
    moments[2] += value * value;
  }
  tick.moments[name] = moments;
}

/** Lines of a stats.jsonl; none where there is no file yet. */
export function linesOf(stats: Uint8Array = new Uint8Array()): string[] {
  return Buffer.from(stats).toString('utf8').split('\n').filter(Boolean);
}

/**
 * Ends a tick: its line of statistics, and the counters of the next one.
 *
 * @param now milliseconds since 1970
 */
export function endTick(counters: TrainingCounters, now: number): { line: string; tick: Tick } {
  const { tick, images, seconds } = counters;
  const kimg = (images - tick.startImages) / 1000;
  const spent = seconds - tick.startSeconds;
  const scalars: Record<string, number> = {
    'Progress/tick': tick.index,
    'Progress/kimg': images / 1000,
    'Progress/augment': counters.augmentation.p,
    'Timing/total_sec': seconds,
    'Timing/sec_per_tick': spent,
    'Timing/sec_per_kimg': kimg > 0 ? spent / kimg : 0,
    'Resources/cpu_mem_gb': process.memoryUsage.rss() / 2 ** 30,
  };
  const record: Record<string, { num: number; mean: number; std: number } | number> = {};
  for (const name of Object.keys(tick.moments).sort()) {
    const [num, sum, squares] = tick.moments[name] as [number, number, number];
    const mean = sum / num;
    record[name] = { num, mean, std: num > 1 ? Math.sqrt(Math.max(squares / num - mean * mean, 0)) : 0 };
  }
  for (const [name, value] of Object.entries(scalars)) record[name] = { num: 1, mean: value, std: 0 };
  record.timestamp = now / 1000;
  return {
    line: JSON.stringify(record),
    tick: { index: tick.index + 1, startImages: images, startSeconds: seconds, moments: {} },
  };
}
