/** The check that numbers of a training are finite: others are neither recorded nor stored. */
import { TrainingError } from '../core/errors.js';

/** @throws TrainingError naming the first values that are not finite. */
export function assertFinite(named: Record<string, Float32Array>, step: number): void {
  for (const [name, values] of Object.entries(named)) {
    if (values.every(Number.isFinite)) continue;
    throw new TrainingError({
      what: `${name} is no longer finite after step ${step}`,
      where: 'train',
      hint: 'Lower glr and dlr or raise gamma; the last checkpoint is intact.',
    });
  }
}
