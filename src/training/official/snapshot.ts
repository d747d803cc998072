/**
 * Converts a snapshot of train.py to parts of a checkpoint: the networks in our format, and the
 * file itself.
 */
import { CheckpointError, TrainingError } from '../../core/errors.js';
import { CHECKPOINT_PARTS } from '../../checkpoints/manifest.js';
import type { NetworkConfig } from '../../gan/config.js';
import { networkSpecs } from '../../gan/networks/registry.js';
import { decodeVariables, type Variables } from '../../checkpoints/variables.js';
import { encodeNetworks } from '../../weights/import.js';
import { firstDifference } from '../../weights/infer-config.js';
import { NETWORKS } from '../../weights/network-weights.js';
import { readWeightsFile } from '../../weights/weights-file.js';

export interface SnapshotParts {
  parts: Record<string, Uint8Array>;
  /** Of the averaged generator, under `G_ema.`. */
  average: Variables;
  /** Notes on a discriminator that does not fit exactly. */
  notes: string[];
}

/**
 * Reads a snapshot without executing its content.
 *
 * @param config that the spec asks for
 * @throws CheckpointError when it cannot be read or holds other networks; TrainingError when a
 *   weight is not finite: such a state is never stored
 */
export function snapshotParts(bytes: Uint8Array, name: string, config: NetworkConfig): SnapshotParts {
  const { networks } = readWeightsFile(bytes, name);
  const specs = networkSpecs(config);
  const differences = NETWORKS.map((network) => {
    const found = networks[network];
    const difference = found ? firstDifference(found.tensors, specs[network]) : 'it is missing';
    return difference === null ? null : `${network}: ${difference}`;
  });
  const [misfitG, misfitD, misfitEma] = differences;
  const misfit = misfitEma ?? misfitG;
  if (misfit) {
    throw new CheckpointError({
      what: `the official trainer's network is not the one of this spec; ${misfit}`,
      where: name,
      hint: 'Use an unchanged checkout of StyleGAN3 for GIST_STYLEGAN3_DIR.',
    });
  }
  const parts = encodeNetworks({ config, networks });
  const variables = decodeVariables(parts);
  const broken = Object.entries(variables).find(([, values]) => !values.every(Number.isFinite));
  if (broken) {
    throw new TrainingError({
      what: `${broken[0]} is no longer finite`,
      where: name,
      hint: 'Lower glr and dlr, raise gamma, or set stylegan3.fp32; the last checkpoint is intact.',
    });
  }
  const average = Object.entries(variables).filter(([variable]) => variable.startsWith('G_ema.'));
  return {
    parts: { ...parts, [CHECKPOINT_PARTS.official]: bytes },
    average: Object.fromEntries(average),
    // Sampling does not need it.
    notes: misfitD ? [misfitD] : [],
  };
}
