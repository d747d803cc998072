/** A snapshot of train.py as parts of a checkpoint: the networks as ours are, and the file itself. */
import { CheckpointError, TrainingError } from '../../core/errors.js';
import { PARTS } from '../checkpoint.js';
import type { NetworkConfig } from '../config.js';
import { decodeVariables, type Variables } from '../variables.js';
import { encodeNetworks, readWeights } from '../weights/import.js';

export interface SnapshotParts {
  parts: Record<string, Uint8Array>;
  /** Of the averaged generator, under `G_ema.`. */
  average: Variables;
  /** What is worth knowing of networks that do not quite fit. */
  notes: string[];
}

/**
 * Reads a snapshot without running what is in it.
 *
 * @param config that the spec asks for
 * @throws CheckpointError when it cannot be read or is of other networks; TrainingError when a weight is not finite: such a state
 *   is never kept
 */
export function snapshotParts(bytes: Uint8Array, name: string, config: NetworkConfig): SnapshotParts {
  const weights = readWeights(bytes, name);
  const { clamp: _wanted, ...wanted } = config;
  for (const [field, value] of Object.entries(wanted)) {
    const found = weights.config[field as keyof typeof wanted];
    if (found === value) continue;
    throw new CheckpointError({
      what: `the official trainer’s network has ${field} = ${found}, this training wants ${value}`,
      where: name,
      mend: 'Use an unchanged checkout of StyleGAN3 for GIST_STYLEGAN3_DIR.',
    });
  }
  const parts = encodeNetworks(weights);
  const variables = decodeVariables(parts);
  const broken = Object.entries(variables).find(([, values]) => !values.every(Number.isFinite));
  if (broken) {
    throw new TrainingError({
      what: `${broken[0]} is no longer finite`,
      where: name,
      mend: 'Lower glr and dlr, raise gamma, or set stylegan3.fp32; the last checkpoint is still good.',
    });
  }
  const average = Object.entries(variables).filter(([variable]) => variable.startsWith('G_ema.'));
  return {
    parts: { ...parts, [PARTS.official]: bytes },
    average: Object.fromEntries(average),
    notes: weights.notes,
  };
}
