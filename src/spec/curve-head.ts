/**
 * The curve of a training as a workflow keeps it: the newest points, a thinned choice of the older
 * ones, and what these have decided. The store has all points.
 */
import { checkConvergence, type ConvergenceState, NOT_CONVERGED } from './convergence.js';
import type { CurvePoint } from './results.js';
import type { TrainSpec } from './train.js';

/** As a message carries it. */
export interface CarriedCurve {
  points: CurvePoint[];
  /** What points up to `foldedKimg` have decided. */
  folded: ConvergenceState;
  foldedKimg: number;
}

/** Points that are kept: less than 100 kB in each message that carries them. */
export const MOST_POINTS = 400;
/** Newest snapshots whose points are all kept, so that late evaluations still find their place. */
export const RECENT_SNAPSHOTS = 32;

export class CurveHead {
  points: CurvePoint[];
  private folded: ConvergenceState;
  private foldedKimg: number;

  constructor(
    private readonly stopWhen: TrainSpec['stopWhen'],
    { points, folded, foldedKimg }: CarriedCurve = { points: [], folded: NOT_CONVERGED, foldedKimg: -1 },
  ) {
    [this.points, this.folded, this.foldedKimg] = [points, folded, foldedKimg];
  }

  get carried(): CarriedCurve {
    const { points, folded, foldedKimg } = this;
    return { points, folded, foldedKimg };
  }

  /** Before anything is added: what an earlier execution of the run had. */
  restore({ points, folded, foldedKimg }: CarriedCurve): void {
    [this.points, this.folded, this.foldedKimg] = [[...points, ...this.points], folded, foldedKimg];
    this.points.sort((a, b) => a.kimg - b.kimg);
  }

  add(points: readonly CurvePoint[]): void {
    this.points.push(...points);
    this.points.sort((a, b) => a.kimg - b.kimg);
    if (this.points.length > MOST_POINTS) this.fold();
  }

  get convergence(): ConvergenceState {
    const open = this.points.filter(({ kimg }) => kimg > this.foldedKimg);
    return checkConvergence(open, this.stopWhen, this.folded);
  }

  private fold(): void {
    const snapshots = [...new Set(this.points.map(({ kimg }) => kimg))];
    const last = snapshots.at(-RECENT_SNAPSHOTS - 1);
    if (last === undefined) return;
    const old = this.points.filter(({ kimg }) => kimg > this.foldedKimg && kimg <= last);
    this.folded = checkConvergence(old, this.stopWhen, this.folded);
    this.foldedKimg = last;
    this.points = thinned(this.points, last, this.folded.best?.kimg ?? null);
  }
}

/** Every second snapshot up to a kimg, the first and the best among them, and all later ones. */
export function thinned(points: readonly CurvePoint[], upTo: number, bestKimg: number | null): CurvePoint[] {
  const snapshots = [...new Set(points.map(({ kimg }) => kimg))];
  const kept = new Set(snapshots.filter((kimg, i) => i % 2 === 0 || kimg > upTo || kimg === bestKimg));
  return points.filter(({ kimg }) => kept.has(kimg));
}
