/** How long train.py may take for its next tick before it counts as hung. */
import { environment } from '../../core/environment.js';
import { meanOf, type Tick } from './run-folder.js';

const MINUTE = 60_000;
/** For the first tick: train.py reads the data, compiles its operations and tunes them. */
const START_MS = 30 * MINUTE;
/** For the second one, before its speed is known. */
const FIRST_TICK_MS = 60 * MINUTE;
/**
 * Later ticks may take this many times as long as the slowest one, but never less than the minimum.
 */
const TIMES_SLOWEST = 10;
const MINIMUM_MS = 10 * MINUTE;

export class TickAllowance {
  private advancedAt = performance.now();
  private ticks = 0;
  private slowestMs = 0;

  advance({ record }: Tick): void {
    this.advancedAt = performance.now();
    this.ticks++;
    // The first tick is one batch, and all the preparation.
    if (this.ticks > 1)
      this.slowestMs = Math.max(this.slowestMs, 1000 * (meanOf(record, 'Timing/sec_per_tick') ?? 0));
  }

  get hasStarted(): boolean {
    return this.ticks > 0;
  }

  /** 0 or less: it counts as hung. */
  get leftMs(): number {
    return this.advancedAt + this.allowanceMs - performance.now();
  }

  get allowanceMs(): number {
    if (this.ticks === 0) return START_MS;
    const given = environment.stylegan3StallSeconds();
    if (given !== undefined) return given * 1000;
    return this.ticks === 1 ? FIRST_TICK_MS : Math.max(MINIMUM_MS, TIMES_SLOWEST * this.slowestMs);
  }
}
