/** Creates samplers from the verified weights of the averaged generator of a checkpoint. */
import { createProgram, type Program, type ProgramDefinition } from '../nn/program/program.js';
import type { ObjectStore } from '../storage/object-store.js';
import { CHECKPOINT_PARTS } from '../checkpoints/manifest.js';
import { readManifest, readPart } from '../checkpoints/reader.js';
import type { ClassShare } from './classes.js';
import { type NetworkConfig, recordedSettings, resolveNetworkConfig } from '../gan/config.js';
import { buildGeneratorProgram } from '../gan/loss/generator-program.js';
import { Sampler } from './sampler.js';
import { decodeVariables, type Variables } from '../checkpoints/variables.js';

export interface SamplerOptions {
  /** Images per batch; images depend on it only by rounding. Default: 16. */
  batch?: number;
  mode?: 'graph' | 'eager';
}

const BATCH = 16;

/**
 * A sampler from the averaged weights (G_ema) of a checkpoint.
 *
 * @param prefix of the checkpoint in the store; for a local folder: `openStore(folder)` and `''`.
 * @throws CheckpointError when it is not a checkpoint, or its weights are corrupt or of another
 *   configuration.
 */
export async function createSampler(
  store: ObjectStore,
  prefix: string,
  options: SamplerOptions = {},
): Promise<Sampler> {
  const manifest = await readManifest(store, prefix);
  const config = resolveNetworkConfig(recordedSettings(manifest.configuration.network));
  const { definition, sampler } = samplerOf(config, manifest.classes, options.batch ?? BATCH);
  const weights = await readPart(store, prefix, manifest, CHECKPOINT_PARTS.generatorEma);
  const program = await createProgram(definition, { mode: options.mode ?? 'graph' });
  await program.restore(
    generatorVariables(decodeVariables({ [CHECKPOINT_PARTS.generatorEma]: weights }), definition),
  );
  return sampler(program);
}

/** The definition of a generator program, and a function that wraps the program in a sampler. */
export function samplerOf(
  config: NetworkConfig,
  classes: ClassShare[] | null,
  batch: number,
): { definition: ProgramDefinition; sampler: (program: Program) => Sampler } {
  const { zDim, resolution, channels } = config;
  const shape = { zDim, labelDim: config.classes, resolution, channels, batch, classes };
  return {
    definition: buildGeneratorProgram(config, batch),
    sampler: (program) => new Sampler(program, shape),
  };
}

/** The variables that a generator program has. */
export function generatorVariables(variables: Variables, definition: ProgramDefinition): Variables {
  const names = Object.keys(definition.variables).filter((name) => name in variables);
  return Object.fromEntries(names.map((name) => [name, variables[name] as Float32Array]));
}
