/** The precision in which a training computes its highest resolutions. */
import { SpecError } from '../core/errors.js';
import type { HalfType } from '../nn/ops/half.js';
import type { TrainSpec } from '../spec/train.js';
import type { CheckpointManifest } from '../checkpoints/manifest.js';

/**
 * What `auto` means for a new training: half precision is faster on GPUs since 2017, and several
 * times slower on most CPUs.
 */
export function automaticPrecision(isHalfFast: boolean): HalfType | null {
  return isHalfFast ? 'float16' : null;
}

/**
 * @param isHalfFast whether half precision is fast on the device
 * @param newest checkpoint that the training resumes from: with `auto` it keeps its precision, on
 *   any machine
 * @returns the type of the highest resolutions; null: single precision everywhere
 * @throws SpecError for half precision in eager mode
 */
export function resolvePrecision(
  { precision, mode }: Pick<TrainSpec, 'precision' | 'mode'>,
  isHalfFast: boolean,
  newest: Pick<CheckpointManifest, 'configuration'> | null,
): HalfType | null {
  const half =
    precision === 'auto' ? automatic(mode, isHalfFast, newest) : precision === 'float32' ? null : precision;
  if (half === null || mode === 'graph') return half;
  throw new SpecError({
    what: `${half} needs compiled steps`,
    where: 'train.precision',
    hint: 'Set train.mode to graph, or train.precision to float32.',
  });
}

function automatic(
  mode: TrainSpec['mode'],
  isHalfFast: boolean,
  newest: Pick<CheckpointManifest, 'configuration'> | null,
): HalfType | null {
  return newest ? halfOf(newest) : automaticPrecision(isHalfFast && mode === 'graph');
}

/** Checkpoints of earlier versions name none. */
function halfOf({ configuration }: Pick<CheckpointManifest, 'configuration'>): HalfType | null {
  const { half } = configuration.network;
  return half === 'float16' || half === 'bfloat16' ? half : null;
}
