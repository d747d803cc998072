/** When a training has converged: a pure function of the metric's curve. */
import type { CurvePoint } from './results.js';
import type { TrainSpec } from './train.js';

export interface Convergence {
  /** The best snapshot up to the point of convergence; null before the first. */
  best: CurvePoint | null;
  converged: boolean;
}

/** What the points of a curve up to one of them have decided. */
export interface ConvergenceState extends Convergence {
  /** The last snapshot that improved; later ones are compared with it. */
  reference: CurvePoint | null;
  /** Snapshots since then. */
  without: number;
}

export const NOT_CONVERGED: ConvergenceState = { best: null, reference: null, without: 0, converged: false };

/**
 * Visits the curve in order of kimg. A snapshot improves when it is lower than the last one that
 * improved, by more than `minDelta` and by more than the noise of both; after `patience`
 * consecutive snapshots without improvement the training has converged. Later points are ignored:
 * the outcome does not depend on the order in which evaluations end.
 *
 * @param from what earlier points, which the curve does not have any more, have decided
 */
export function checkConvergence(
  curve: readonly CurvePoint[],
  stopWhen: TrainSpec['stopWhen'],
  from: ConvergenceState = NOT_CONVERGED,
): ConvergenceState {
  const metric = stopWhen?.metric ?? from.best?.metric ?? curve[0]?.metric;
  const points = curve.filter((point) => point.metric === metric).sort((a, b) => a.kimg - b.kimg);
  let { best, reference, without, converged } = from;
  for (const point of points) {
    if (converged) break;
    if (best === null || point.value < best.value) best = point;
    if (reference === null || improves(point, reference, stopWhen?.minDelta ?? 0)) {
      reference = point;
      without = 0;
    } else converged = ++without >= (stopWhen?.patience ?? Number.POSITIVE_INFINITY);
  }
  return { best, reference, without, converged };
}

function improves(point: CurvePoint, reference: CurvePoint, minDelta: number): boolean {
  return reference.value - point.value > Math.max(minDelta, noiseOf(point, reference));
}

/**
 * The difference that the choice of images explains: half the width of its 95 % interval, with the
 * errors of both as independent ones. 0 where a value has no interval.
 */
function noiseOf(a: CurvePoint, b: CurvePoint): number {
  if (!a.interval || !b.interval) return 0;
  return Math.hypot(a.interval.high - a.interval.low, b.interval.high - b.interval.low) / 2;
}
