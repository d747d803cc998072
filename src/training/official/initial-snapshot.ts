/** The snapshot that a training with train.py starts from, where `train.resume` names one. */
import { CheckpointError } from '../../core/errors.js';
import type { TransferReport } from '../../spec/results.js';
import type { ObjectStore } from '../../storage/object-store.js';
import type { Warn } from '../../checkpoints/reader.js';
import type { NetworkConfig } from '../../gan/config.js';
import { networkSpecs } from '../../gan/networks/registry.js';
import { openInitialWeights } from '../../weights/initial-weights.js';
import { NETWORKS } from '../../weights/network-weights.js';
import type { SourceWeights } from '../../weights/source.js';
import { planTransfer } from '../../weights/transfer.js';

/**
 * The `.pkl` at an address (in the store, or any other), or the one in a checkpoint of an official
 * training. Our own reader reads it first, so that what train.py would fail on after minutes is
 * refused at once.
 *
 * @throws CheckpointError when there is none, or train.py cannot start from it
 */
export function findInitialSnapshot(
  place: { store: ObjectStore; runPrefix: string; warn: Warn },
  address: string,
  config: NetworkConfig,
): Promise<{ snapshot: Uint8Array; report: TransferReport }> {
  return openInitialWeights(place, address, (source) => planInitialSnapshot(source, address, config));
}

function planInitialSnapshot(
  source: SourceWeights,
  address: string,
  config: NetworkConfig,
): { snapshot: Uint8Array; report: TransferReport } {
  const refuse = (what: string, hint: string): never => {
    throw new CheckpointError({ what, where: `train.resume ${address}`, hint });
  };
  const { official } = source;
  if (!official) {
    return refuse(
      'train.py reads only network-snapshot-*.pkl, and this neither is nor contains one',
      'Give the address of a .pkl, or a checkpoint of a run with engine stylegan3; or train with `engine: tfjs`.',
    );
  }
  const missing = NETWORKS.filter((name) => !source.networks[name]);
  if (missing.length > 0)
    return refuse(
      `lacks ${missing.join(', ')}, and train.py reads all three`,
      'Give an unchanged snapshot of train.py.',
    );
  const { report } = planTransfer(config, shapesOf(config), source);
  // train.py copies by name too, and fails where the shapes differ.
  const other = report.initialized.find((line) => line.includes(': was '));
  if (other)
    return refuse(
      `does not fit: ${other}; train.py copies networks of the same sizes only`,
      'Use weights of this resolution, color, number of classes and mapDepth, or train with `engine: tfjs`.',
    );
  return { snapshot: official, report };
}

function shapesOf(config: NetworkConfig): Record<string, readonly number[]> {
  return Object.fromEntries(
    Object.entries(networkSpecs(config)).flatMap(([prefix, specs]) =>
      Object.entries(specs).map(([name, { shape }]) => [`${prefix}.${name}`, shape] as const),
    ),
  );
}
