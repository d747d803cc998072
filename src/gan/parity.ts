/** Checks the networks against cases computed by other implementations: pictures, logits, losses and gradients. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs';
import { z } from 'zod';
import { CheckpointError } from '../core/errors.js';
import { decodeSafetensors, type NamedTensor } from '../nn/safetensors.js';
import { tf } from '../nn/tensorflow.js';
import { type NetworkConfig, type NetworkFamily, resolveNetworkConfig } from './config.js';
import { generate } from './loss/generator-program.js';
import { lossGradients } from './loss/gradients.js';
import { gradientPenalty } from './loss/phases.js';
import { type Parameters, take, withoutPrefix } from './networks/network.js';
import { type ParameterSpecs, trainableNames } from './networks/parameters.js';
import { networkOf } from './networks/registry.js';

/** `NAME.json`. Its tensors are in `NAME.weights.safetensors` and `NAME.expected.safetensors`, channels first. */
const caseSchema = z.object({
  kind: z.string(),
  mapping_layers: z.int(),
  r1_gamma: z.number(),
  c_dim: z.int(),
  img_resolution: z.int(),
  img_channels: z.int(),
  channel_base: z.int(),
  channel_max: z.int(),
  use_radial_filters: z.boolean().default(false),
});
type ParityCase = z.output<typeof caseSchema>;

/** The family that a case means; null: none of ours. */
function familyOf({ kind, use_radial_filters: isRadial }: ParityCase): NetworkFamily | null {
  if (kind === 'sg2') return 'stylegan2';
  if (kind === 'sg3') return isRadial ? 'stylegan3-r' : 'stylegan3-t';
  return null;
}

/** The largest relative error (largest difference over largest value, tensor by tensor) of a group of tensors. */
export interface GroupError {
  /** `img`, `d_logits`, `grad.G` and the like. */
  group: string;
  tensors: number;
  /** Tensor with the largest error. */
  worst: string;
  error: number;
  /** What still counts as agreement. */
  limit: number;
}

export interface CaseResult {
  name: string;
  groups: GroupError[];
  /** Why the case was not run, if it was not. */
  refused: string | null;
}

/** The cases were made with the clamp of half precision. */
const CONV_CLAMP = 256;
const VALUE_LIMIT = 1e-3;
const GRADIENT_LIMIT = 1e-2;

/**
 * Runs every case of a folder on the numeric library.
 *
 * @returns a result for each, sorted by name; a case of a network family that this version lacks is refused, not failed
 * @throws CheckpointError when a file is malformed, or the weights' names or shapes are not those of the networks
 */
export function runNetworkParity(folder: string): CaseResult[] {
  const names = readdirSync(folder).filter((file) => file.endsWith('.json'));
  return names.sort().map((file) => runCase(folder, path.basename(file, '.json')));
}

/** Whether every case that was run agrees, and at least one was run. */
export function agrees(results: readonly CaseResult[]): boolean {
  const groups = results.flatMap((result) => result.groups);
  return groups.length > 0 && groups.every(({ error, limit }) => error <= limit);
}

/** A table for people. */
export function formatParity(results: readonly CaseResult[]): string {
  const lines = results.flatMap(({ name, groups, refused }) => [
    refused ? `${name}: not run, ${refused}` : `${name}:`,
    ...groups.map(({ group, tensors, worst, error, limit }) => {
      const verdict = error <= limit ? 'ok' : `over ${limit}`;
      return `  ${group.padEnd(14)} ${error.toExponential(1)}  ${verdict}  (${tensors} tensors, worst ${worst})`;
    }),
  ]);
  return lines.join('\n');
}

function runCase(folder: string, name: string): CaseResult {
  const parityCase = readCase(path.join(folder, `${name}.json`));
  const cfg = familyOf(parityCase);
  if (!cfg)
    return {
      name,
      groups: [],
      refused: `networks of kind ${parityCase.kind} are not available in this version`,
    };
  const tensors = (suffix: string) => {
    const file = path.join(folder, `${name}.${suffix}.safetensors`);
    return decodeSafetensors(readFileSync(file), file);
  };
  const groups: GroupError[] = [];
  tf.tidy(() => {
    groups.push(...compare(parityCase, cfg, tensors('weights'), tensors('expected')));
  });
  return { name, groups, refused: null };
}

function readCase(file: string): ParityCase {
  const parsed = caseSchema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (parsed.success) return parsed.data;
  throw new CheckpointError({
    what: `not a parity case: ${parsed.error.issues.map(({ path: key, message }) => `${key.join('.')}: ${message}`).join('; ')}`,
    where: file,
    mend: 'The folder may hold parity cases only.',
  });
}

type Arrays = Record<string, NamedTensor>;

/** Computes what the case expects, and compares group by group. */
function compare(
  parityCase: ParityCase,
  cfg: NetworkFamily,
  weights: Arrays,
  expected: Arrays,
): GroupError[] {
  const given = (name: string) => toTensor(expected, name);
  const config = resolveNetworkConfig({
    cfg,
    resolution: parityCase.img_resolution,
    channels: parityCase.img_channels,
    classes: parityCase.c_dim,
    mapDepth: parityCase.mapping_layers,
    cbase: parityCase.channel_base,
    cmax: parityCase.channel_max,
    zDim: expected.z?.shape.at(-1),
    wDim: expected.w?.shape.at(-1),
    clamp: CONV_CLAMP,
  });
  const variables = checkedParameters(config, weights);
  const labels = config.classes > 0 ? (given('c') as Tensor2D) : null;
  const computed = {
    ...generatorOutputs(config, variables, given('z') as Tensor2D, labels),
    ...discriminatorOutputs(config, variables, toNhwc(given('real')), labels, parityCase.r1_gamma),
  };
  return groupErrors(computed, expected);
}

function generatorOutputs(
  config: NetworkConfig,
  variables: Parameters,
  z: Tensor2D,
  labels: Tensor2D | null,
): Record<string, Tensor> {
  const network = networkOf(config);
  const generator = withoutPrefix(variables, 'G.');
  const images = (psi: number) => generate(config, generator, z, labels, psi) as Tensor4D;
  const w = network.mapping(config, generator, z, labels);
  const { losses, also, gradients } = lossGradients(variables, trained(config, 'G.'), z.shape[0], () => {
    const img = images(1);
    const logits = network.discriminator(config, withoutPrefix(variables, 'D.'), img, labels, 1);
    return { losses: tf.reshape(tf.softplus(tf.neg(logits)), [-1]), also: { img, logits } };
  });
  return {
    w: tf.tile(tf.expandDims(w, 1), [1, network.styles(config), 1]),
    img: toNchw(also.img as Tensor4D),
    img_psi07: toNchw(images(0.7)),
    d_logits: also.logits,
    loss_g: tf.reshape(tf.mean(losses), [1]),
    ...underName('grad.', gradients),
  };
}

function discriminatorOutputs(
  config: NetworkConfig,
  variables: Parameters,
  real: Tensor4D,
  labels: Tensor2D | null,
  gamma: number,
): Record<string, Tensor> {
  const discriminator = withoutPrefix(variables, 'D.');
  const { losses, also, gradients } = lossGradients(variables, trained(config, 'D.'), real.shape[0], () => {
    const logits = networkOf(config).discriminator(config, discriminator, real, labels, 1);
    const penalty = gradientPenalty(config, variables, real, labels);
    const losses = tf.add(tf.reshape(tf.softplus(tf.neg(logits)), [-1]), tf.mul(penalty, gamma / 2));
    return { losses, also: { logits, penalty } };
  });
  return {
    d_real_logits: also.logits,
    r1_penalty: also.penalty,
    loss_d_real: tf.reshape(tf.mean(losses), [1]),
    ...underName('grad.', gradients),
  };
}

/** Names of the trained variables of a network. */
function trained(config: NetworkConfig, prefix: 'G.' | 'D.'): string[] {
  return trainableNames(specsOf(config)).filter((name) => name.startsWith(prefix));
}

/** Both networks' specifications, under variable names. */
function specsOf(config: NetworkConfig): ParameterSpecs {
  const network = networkOf(config);
  return {
    ...underName('G.', network.generatorSpecs(config)),
    ...underName('D.', network.discriminatorSpecs(config)),
  };
}

function underName<T>(prefix: string, record: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [`${prefix}${name}`, value]));
}

/** @throws CheckpointError unless names and shapes are exactly those of the networks. */
function checkedParameters(config: NetworkConfig, weights: Arrays): Parameters {
  const specs = specsOf(config);
  for (const name of new Set([...Object.keys(specs), ...Object.keys(weights)])) {
    const [wanted, found] = [specs[name]?.shape, weights[name]?.shape];
    if (wanted?.join() === found?.join() && wanted) continue;
    throw new CheckpointError({
      what: `parameter is ${describe(found)} in the weights and ${describe(wanted)} in the network`,
      where: name,
      mend: 'The weights must be of the configuration that the case names.',
    });
  }
  return Object.fromEntries(Object.keys(weights).map((name) => [name, toTensor(weights, name)]));
}

function describe(shape: number[] | undefined): string {
  return shape ? `[${shape.join(', ')}]` : 'absent';
}

function toTensor(arrays: Arrays, name: string): Tensor {
  const array = arrays[name];
  if (array) return tf.tensor(array.data as Float32Array, array.shape, 'float32');
  throw new CheckpointError({ what: 'tensor is missing', where: name, mend: 'The case must be complete.' });
}

function toNhwc(images: Tensor): Tensor4D {
  return tf.transpose(images as Tensor4D, [0, 2, 3, 1]);
}

function toNchw(images: Tensor4D): Tensor4D {
  return tf.transpose(images, [0, 3, 1, 2]);
}

/** Inputs of a case: there is nothing to compare. */
const INPUTS = new Set(['z', 'c', 'real']);

function groupErrors(computed: Record<string, Tensor>, expected: Arrays): GroupError[] {
  const groups = new Map<string, GroupError>();
  for (const name of Object.keys(expected).filter((key) => !INPUTS.has(key))) {
    const group = /^grad\.[GD]/.exec(name)?.[0] ?? name;
    const error = relativeError(
      take(computed, name).dataSync() as Float32Array,
      expected[name]?.data as Float32Array,
    );
    const limit = group.startsWith('grad.') ? GRADIENT_LIMIT : VALUE_LIMIT;
    const so = groups.get(group) ?? { group, tensors: 0, worst: name, error: 0, limit };
    const isWorse = !(error <= so.error);
    groups.set(group, { ...so, tensors: so.tensors + 1, ...(isWorse ? { worst: name, error } : {}) });
  }
  return [...groups.values()];
}

/** Largest difference over largest value; infinite where sizes differ. */
function relativeError(found: Float32Array, wanted: Float32Array): number {
  if (found.length !== wanted.length) return Number.POSITIVE_INFINITY;
  let [difference, largest] = [0, 0];
  wanted.forEach((value, i) => {
    difference = Math.max(difference, Math.abs((found[i] as number) - value));
    largest = Math.max(largest, Math.abs(value));
  });
  return difference === 0 ? 0 : difference / largest;
}
