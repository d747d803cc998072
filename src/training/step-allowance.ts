/** How long a step may take before it counts as hung. */
import type { ScheduledPhase } from '../gan/loss/step-plan.js';
import { BUILD_ALLOWANCE_MS } from './controls.js';

/** Times the median of the recent steps, but never less than the minimum. */
const TIMES_MEDIAN = 20;
const MINIMUM_MS = 60_000;
/** Two periods of all phases. */
const RECENT_STEPS = 32;

/**
 * A step that runs a phase for the first time may compile and tune its kernels for minutes: it has
 * the time of a build, and does not count for the time of the later steps.
 */
export class StepAllowance {
  private readonly seen = new Set<string>();
  private readonly recentMs: number[] = [];

  constructor(private readonly schedule: readonly Pick<ScheduledPhase, 'phase' | 'interval'>[]) {}

  /** Whether the step runs a phase for the first time in this process. */
  compiles(step: number): boolean {
    return this.due(step).some((phase) => !this.seen.has(phase));
  }

  /** Milliseconds that the step may take. */
  of(step: number): number {
    if (this.compiles(step) || this.recentMs.length === 0) return BUILD_ALLOWANCE_MS;
    return Math.max(MINIMUM_MS, TIMES_MEDIAN * medianOf(this.recentMs));
  }

  /** Notes a step that has ended, and its duration in milliseconds. */
  record(step: number, tookMs: number): void {
    if (!this.compiles(step)) this.recentMs.push(tookMs);
    if (this.recentMs.length > RECENT_STEPS) this.recentMs.shift();
    for (const phase of this.due(step)) this.seen.add(phase);
  }

  private due(step: number): string[] {
    return this.schedule.filter(({ interval }) => step % interval === 0).map(({ phase }) => phase);
  }
}

function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}
