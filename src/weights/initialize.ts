/** Initializes a training from the weights that `train.resume` names. */
import type { Program, ProgramDefinition } from '../nn/program/program.js';
import type { ObjectStore } from '../storage/object-store.js';
import type { Warn } from '../checkpoints/reader.js';
import type { NetworkConfig } from '../gan/config.js';
import { describeTransfer, recordTransfer } from './transfer-report.js';
import { shapesOf } from '../checkpoints/variables.js';
import { openInitialWeights } from './initial-weights.js';
import { planTransfer } from './transfer.js';

export interface InitializedTraining {
  store: ObjectStore;
  runPrefix: string;
  config: NetworkConfig;
  definition: ProgramDefinition;
  /** Contains the initial values, which the copied ones replace. */
  program: Program;
  warn: Warn;
}

/**
 * Copies the weights at an address into a new training, and records the copied tensors.
 *
 * @returns the record in one sentence
 * @throws CheckpointError when there are none, or they do not fit
 */
export async function initializeFrom(
  address: string,
  { store, runPrefix, config, definition, program, warn }: InitializedTraining,
): Promise<string> {
  const { variables, report } = await openInitialWeights({ store, runPrefix, warn }, address, (source) =>
    planTransfer(config, shapesOf(definition), source),
  );
  await program.restore({ ...(await program.read()), ...variables });
  await recordTransfer(store, runPrefix, report);
  return describeTransfer(report);
}
