/**
 * Imports a file of weights as a checkpoint: without an optimizer, usable for generation and
 * transfer.
 */
import { CheckpointError } from '../core/errors.js';
import { encodeSafetensors, type NamedTensor } from '../nn/formats/safetensors.js';
import { sizeOf } from '../nn/program/definition.js';
import { sha256 } from '../storage/digest.js';
import { putJson } from '../storage/json.js';
import { type ManifestPart, putPart } from '../storage/manifest.js';
import type { ObjectStore } from '../storage/object-store.js';
import { type CheckpointManifest, countersSchema, CHECKPOINT_PARTS } from '../checkpoints/manifest.js';
import type { NetworkConfig } from '../gan/config.js';
import { initialValues, type ParameterSpecs } from '../gan/networks/parameters.js';
import { networkSpecs } from '../gan/networks/registry.js';
import { firstDifference, inferConfig } from './infer-config.js';
import { NETWORKS, type NetworkName, type WeightsFile } from './network-weights.js';
import { readWeightsFile } from './weights-file.js';

export interface ReadWeights {
  format: WeightsFile['format'];
  sha256: string;
  config: NetworkConfig;
  networks: WeightsFile['networks'];
  /** Notes on networks that do not match the configuration exactly. */
  notes: string[];
}

const PART_OF: Record<NetworkName, string> = {
  G: CHECKPOINT_PARTS.generator,
  D: CHECKPOINT_PARTS.discriminator,
  G_ema: CHECKPOINT_PARTS.generatorEma,
};

const UNTRAINED = countersSchema.parse({
  step: 0,
  images: 0,
  dataPosition: 0,
  augmentation: { p: 0 },
  tick: { index: 0, startImages: 0, startSeconds: 0, moments: {} },
  seconds: 0,
});

/**
 * The networks of a file, with the configuration inferred from their shapes.
 *
 * @param name of the file, for errors
 * @throws CheckpointError when it is corrupt or malicious, has no generator, or has another
 *   architecture
 */
export function readWeights(bytes: Uint8Array, name: string): ReadWeights {
  const { format, networks } = readWeightsFile(bytes, name);
  const { G, D, G_ema } = networks;
  const generator = G_ema ?? G;
  if (!generator) {
    throw new CheckpointError({
      what: 'contains only a discriminator',
      where: name,
      hint: 'Give a file that has the generator too.',
    });
  }
  const config = inferConfig(generator, D, name);
  const notes: string[] = [];
  const specs = networkSpecs(config);
  const differenceG = G && firstDifference(G.tensors, specs.G);
  if (differenceG) notes.push(`G differs from G_ema: ${differenceG}`);
  const differenceD = D && firstDifference(D.tensors, specs.D);
  if (differenceD) notes.push(`D is not the discriminator of this configuration: ${differenceD}`);
  if (!D) notes.push('no discriminator: a training that starts from these weights starts with a new one');
  return { format, sha256: sha256(bytes), config, networks, notes };
}

/**
 * The networks as parts of a checkpoint, by the names of {@link CHECKPOINT_PARTS}. A file with a
 * single generator uses it as the average too.
 */
export function encodeNetworks({
  config,
  networks,
}: Pick<ReadWeights, 'config' | 'networks'>): Record<string, Uint8Array> {
  const specs = networkSpecs(config);
  const parts: Record<string, Uint8Array> = {};
  for (const name of NETWORKS) {
    const given = networks[name] ?? (name === 'G_ema' ? networks.G : undefined);
    if (!given) continue;
    const tensors = Object.entries(withBuffers(given.tensors, specs[name])).map(
      ([own, tensor]) => [`${name}.${own}`, tensor] as const,
    );
    parts[PART_OF[name]] = encodeSafetensors(Object.fromEntries(tensors));
  }
  return parts;
}

/**
 * Writes `<prefix>manifest.json` and the networks beside it. Existing objects under this prefix are
 * replaced.
 *
 * @param prefix ends in a slash, or is empty
 */
export async function writeWeights(store: ObjectStore, prefix: string, weights: ReadWeights): Promise<void> {
  const parts: Record<string, ManifestPart> = {};
  for (const [name, bytes] of Object.entries(encodeNetworks(weights)))
    parts[name] = await putPart(store, prefix, name, bytes);
  await putJson(store, `${prefix}manifest.json`, manifestOf(weights, parts));
}

/** Adds missing buffers, such as filters, which the configuration determines. */
function withBuffers(
  tensors: Record<string, NamedTensor>,
  specs: ParameterSpecs,
): Record<string, NamedTensor> {
  const computed = Object.entries(specs).flatMap(([name, spec]) => {
    if (spec.trainable || Object.hasOwn(tensors, name)) return [];
    const values = initialValues(spec, 0, name);
    const data = typeof values === 'number' ? new Float32Array(sizeOf(spec.shape)).fill(values) : values;
    return [[name, { shape: spec.shape, data }] as const];
  });
  return { ...tensors, ...Object.fromEntries(computed) };
}

function manifestOf(
  { config, format, sha256 }: ReadWeights,
  parts: Record<string, ManifestPart>,
): CheckpointManifest {
  const classes = Array.from({ length: config.classes }, (_, i) => ({ name: `class-${i}`, images: 1 }));
  return {
    version: 1,
    kimg: 0,
    step: 0,
    snapshot: true,
    claim: 0,
    configuration: {
      network: { ...config },
      training: { imported: { format, sha256 } },
      dataset: 'imported',
    },
    counters: UNTRAINED,
    numericEnvironment: { threads: 0, library: format, cpuFeatures: [], platform: 'imported', mode: 'graph' },
    classes: classes.length > 0 ? classes : null,
    parts,
  };
}
