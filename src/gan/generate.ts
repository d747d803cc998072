/** Samplers from checkpoints: the averaged generator's weights, verified, in a program of their own. */
import { CheckpointError, StoreError } from '../core/errors.js';
import { createProgram, type Program, type ProgramDefinition } from '../nn/program.js';
import { sha256 } from '../storage/digest.js';
import { getJson } from '../storage/json.js';
import type { ObjectStore } from '../storage/object-store.js';
import { type CheckpointManifest, manifestSchema, PARTS } from './checkpoint.js';
import type { ClassShare } from './class-assignment.js';
import { type NetworkConfig, type NetworkSettings, resolveNetworkConfig } from './config.js';
import { buildGeneratorProgram } from './loss/generator-program.js';
import { Sampler } from './sampler.js';
import { decodeVariables, type Variables } from './variables.js';

export interface SamplerOptions {
  /** Images made at once; images do not depend on it beyond rounding. Default 16. */
  batch?: number;
  mode?: 'graph' | 'eager';
}

const BATCH = 16;

/**
 * A sampler from the averaged weights (G_ema) of a checkpoint.
 *
 * @param prefix of the checkpoint in the store; for a local folder: `openStore(folder)` and `''`.
 * @throws CheckpointError when it is no checkpoint, or its weights are damaged or of another configuration.
 */
export async function createSampler(
  store: ObjectStore,
  prefix: string,
  options: SamplerOptions = {},
): Promise<Sampler> {
  const manifest = await readManifest(store, prefix);
  const config = resolveNetworkConfig(networkSettings(manifest));
  const { definition, sampler } = samplerOf(config, manifest.classes, options.batch ?? BATCH);
  const weights = await readPart(store, prefix, manifest, PARTS.generatorEma);
  const program = await createProgram(definition, { mode: options.mode ?? 'graph' });
  await program.restore(generatorVariables(decodeVariables({ [PARTS.generatorEma]: weights }), definition));
  return sampler(program);
}

/** A generator program's definition, and what makes a sampler of the program once it runs. */
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

/** Of all variables, those that a generator program has. */
export function generatorVariables(variables: Variables, definition: ProgramDefinition): Variables {
  const names = Object.keys(definition.variables).filter((name) => name in variables);
  return Object.fromEntries(names.map((name) => [name, variables[name] as Float32Array]));
}

/** @throws CheckpointError when there is none, or it is damaged. */
export async function readManifest(store: ObjectStore, prefix: string): Promise<CheckpointManifest> {
  try {
    return await getJson(store, `${prefix}manifest.json`, manifestSchema);
  } catch (error) {
    if (!(error instanceof StoreError) || !(await storeAnswers(store, prefix))) throw error;
    throw new CheckpointError({
      what: 'is not a checkpoint of this version of GIST, or is damaged',
      where: `${prefix}manifest.json`,
      mend: 'Give the folder of a checkpoint: the one that holds manifest.json.',
      cause: error,
    });
  }
}

/** A refusal that concerns the whole store fails here too, and is thrown as it is. */
async function storeAnswers(store: ObjectStore, prefix: string): Promise<boolean> {
  await store.head(`${prefix}manifest.json`);
  return true;
}

/** A part of a checkpoint, verified. @throws CheckpointError when it is missing or damaged. */
export async function readPart(
  store: ObjectStore,
  prefix: string,
  manifest: CheckpointManifest,
  name: string,
): Promise<Uint8Array> {
  const part = manifest.parts[name];
  const key = `${prefix}${part?.key ?? name}`;
  if (part && (await store.head(key))?.bytes === part.bytes) {
    const bytes = await store.get(key);
    if (sha256(bytes) === part.sha256) return bytes;
  }
  throw new CheckpointError({
    what: part
      ? 'is missing or does not match the checksum in the manifest'
      : 'is not among the parts of the checkpoint',
    where: key,
    mend: 'Use another checkpoint of the run.',
  });
}

/** The sizes that a checkpoint names; resolving them checks each. */
export function networkSettings({ configuration }: CheckpointManifest): NetworkSettings {
  const { mappingLayers, ...sizes } = configuration.network as unknown as NetworkConfig;
  return { ...sizes, mapDepth: mappingLayers };
}
