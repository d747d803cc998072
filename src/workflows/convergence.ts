/** When a training has converged: a pure function of the metric's curve. */
import type { CurvePoint } from '../spec/results.js';
import type { TrainSpec } from '../spec/train.js';

export interface Convergence {
  /** The best snapshot up to the point of convergence; null before the first. */
  best: CurvePoint | null;
  converged: boolean;
}

/**
 * Visits the curve in order of kimg. A snapshot improves when it is lower than the best so far by
 * more than `minDelta`; after `patience` consecutive snapshots without improvement the training has
 * converged. Later points are ignored: the outcome does not depend on the order in which
 * evaluations end.
 */
export function checkConvergence(curve: readonly CurvePoint[], stopWhen: TrainSpec['stopWhen']): Convergence {
  const metric = stopWhen?.metric ?? curve[0]?.metric;
  const points = curve.filter((point) => point.metric === metric).sort((a, b) => a.kimg - b.kimg);
  let best: CurvePoint | null = null;
  let reference = Number.POSITIVE_INFINITY;
  let without = 0;
  for (const point of points) {
    if (best === null || point.value < best.value) best = point;
    if (point.value < reference - (stopWhen?.minDelta ?? 0)) {
      reference = point.value;
      without = 0;
    } else if (++without >= (stopWhen?.patience ?? Number.POSITIVE_INFINITY)) {
      return { best, converged: true };
    }
  }
  return { best, converged: false };
}
