/** Compares the networks with cases that other implementations computed. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs';
import { z } from 'zod';
import { CheckpointError } from '../../src/core/errors.js';
import { decodeSafetensors, type NamedTensor } from '../../src/nn/formats/safetensors.js';
import { tf } from '../../src/nn/tensorflow.js';
import { type NetworkConfig, type NetworkFamily, resolveNetworkConfig } from '../../src/gan/config.js';
import { generate } from '../../src/gan/loss/generator-program.js';
import { lossGradients } from '../../src/gan/loss/gradients.js';
import { gradientPenalty } from '../../src/gan/loss/discriminator-loss.js';
import { ParameterScope, type Tensors, take } from '../../src/gan/networks/parameter-scope.js';
import { type ParameterSpecs, trainableNames } from '../../src/gan/networks/parameters.js';
import { networkOf } from '../../src/gan/networks/registry.js';

/**
 * `NAME.json`. Its tensors are in `NAME.weights.safetensors` and `NAME.expected.safetensors`,
 * channels first.
 */
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
  /** Side of the generator's kernels. Default: the family's. */
  conv_kernel: z.int().optional(),
});
type ParityCase = z.output<typeof caseSchema>;

/** Side of the kernels that a family's generator has. */
const KERNELS: Record<NetworkFamily, number> = { stylegan2: 3, 'stylegan3-t': 3, 'stylegan3-r': 1 };

/** @throws CheckpointError when a case is of another family */
function familyOf({ kind, use_radial_filters: isRadial, conv_kernel: kernel }: ParityCase): NetworkFamily {
  const refuse = (what: string): never => {
    throw new CheckpointError({ what: `networks of ${what} are not available in this version` });
  };
  if (kind !== 'sg2' && kind !== 'sg3') return refuse(`kind ${kind}`);
  const family = kind === 'sg2' ? 'stylegan2' : isRadial ? 'stylegan3-r' : 'stylegan3-t';
  if (kernel !== undefined && kernel !== KERNELS[family])
    return refuse(`${family} with conv_kernel ${kernel}`);
  return family;
}

/**
 * The largest relative error (largest difference over largest value, tensor by tensor) of a group
 * of tensors.
 */
export interface GroupError {
  /** `img`, `d_logits`, `grad.G` and the like. */
  group: string;
  tensors: number;
  /** Tensor with the largest error. */
  worst: string;
  error: number;
  /** The largest error that counts as agreement. */
  limit: number;
}

export interface CaseResult {
  name: string;
  groups: GroupError[];
  /** Outputs of the networks that the case has no expected values for. */
  missing: string[];
  /** Why nothing was compared; null: the comparison succeeded. */
  failed: string | null;
}

/** The cases were made with the clamp of half precision. */
const CONV_CLAMP = 256;
const VALUE_LIMIT = 1e-3;
const GRADIENT_LIMIT = 1e-2;

/**
 * Runs the cases of a folder lazily, in the order of their names. A case that cannot be compared
 * has failed; the next one runs nevertheless.
 */
export function* runNetworkParity(folder: string): Generator<CaseResult> {
  const names = readdirSync(folder).filter((file) => file.endsWith('.json'));
  for (const file of names.sort()) yield runCase(folder, path.basename(file, '.json'));
}

/** Whether there is at least one case, and all cases are complete and within their limits. */
export function agrees(results: readonly CaseResult[]): boolean {
  return results.length > 0 && results.every(caseAgrees);
}

function caseAgrees({ groups, missing, failed }: CaseResult): boolean {
  if (failed !== null || missing.length > 0 || groups.length === 0) return false;
  return groups.every(({ error, limit }) => error <= limit);
}

/** A table for people. */
export function formatCase({ name, groups, missing, failed }: CaseResult): string {
  if (failed !== null) return `${name}: failed, ${failed}`;
  const lines = groups.map(({ group, tensors, worst, error, limit }) => {
    const outcome = error <= limit ? 'ok' : `over ${limit}`;
    return `  ${group.padEnd(14)} ${error.toExponential(1)}  ${outcome}  (${tensors} tensors, worst ${worst})`;
  });
  const lacks = missing.length > 0 ? [`  failed: not in the expected file: ${missing.join(', ')}`] : [];
  return [`${name}:`, ...lines, ...lacks].join('\n');
}

function runCase(folder: string, name: string): CaseResult {
  try {
    return { name, ...comparison(folder, name), failed: null };
  } catch (error) {
    // The other cases may still be worth running.
    return { name, groups: [], missing: [], failed: error instanceof Error ? error.message : String(error) };
  }
}

type Comparison = Pick<CaseResult, 'groups' | 'missing'>;

function comparison(folder: string, name: string): Comparison {
  const parityCase = readCase(path.join(folder, `${name}.json`));
  const cfg = familyOf(parityCase);
  const tensors = (suffix: string) => {
    const file = path.join(folder, `${name}.${suffix}.safetensors`);
    return decodeSafetensors(readFileSync(file), file);
  };
  const found: Comparison = { groups: [], missing: [] };
  tf.tidy(() => {
    Object.assign(found, compare(parityCase, cfg, tensors('weights'), tensors('expected')));
  });
  return found;
}

function readCase(file: string): ParityCase {
  const parsed = caseSchema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (parsed.success) return parsed.data;
  throw new CheckpointError({
    what: `not a parity case: ${parsed.error.issues.map(({ path: key, message }) => `${key.join('.')}: ${message}`).join('; ')}`,
    where: file,
    hint: 'The folder must contain only parity cases.',
  });
}

type Arrays = Record<string, NamedTensor>;

/** Computes what the case expects, and compares it group by group. */
function compare(parityCase: ParityCase, cfg: NetworkFamily, weights: Arrays, expected: Arrays): Comparison {
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
    ...discriminatorOutputs(config, variables, {
      real: toNhwc(given('real')),
      labels,
      gamma: parityCase.r1_gamma,
    }),
  };
  const missing = Object.keys(computed).filter((name) => !Object.hasOwn(expected, name));
  return { groups: groupErrors(computed, expected), missing };
}

function generatorOutputs(
  config: NetworkConfig,
  variables: Tensors,
  z: Tensor2D,
  labels: Tensor2D | null,
): Record<string, Tensor> {
  const network = networkOf(config);
  const generator = new ParameterScope(variables, 'G');
  const discriminator = new ParameterScope(variables, 'D');
  const images = (psi: number) => generate(config, generator, { z, labels, psi });
  const w = network.mapping(config, generator, { z, labels });
  const differentiated = { parameters: variables, names: trained(config, 'G.'), images: z.shape[0] };
  const { losses, intermediates, gradients } = lossGradients(differentiated, () => {
    const img = images(1);
    const logits = network.discriminator(config, discriminator, { images: img, labels });
    return { losses: tf.reshape(tf.softplus(tf.neg(logits)), [-1]), intermediates: { img, logits } };
  });
  return {
    w: tf.tile(tf.expandDims(w, 1), [1, network.styles(config), 1]),
    img: toNchw(intermediates.img as Tensor4D),
    img_psi07: toNchw(images(0.7)),
    d_logits: intermediates.logits,
    loss_g: tf.reshape(tf.mean(losses), [1]),
    ...underName('grad.', gradients),
  };
}

function discriminatorOutputs(
  config: NetworkConfig,
  variables: Tensors,
  { real, labels, gamma }: { real: Tensor4D; labels: Tensor2D | null; gamma: number },
): Record<string, Tensor> {
  const discriminator = new ParameterScope(variables, 'D');
  const logitsOf = (images: Tensor4D) =>
    networkOf(config).discriminator(config, discriminator, { images, labels });
  const differentiated = { parameters: variables, names: trained(config, 'D.'), images: real.shape[0] };
  const { losses, intermediates, gradients } = lossGradients(differentiated, () => {
    const logits = logitsOf(real);
    const penalty = gradientPenalty(real, logitsOf);
    const losses = tf.add(tf.reshape(tf.softplus(tf.neg(logits)), [-1]), tf.mul(penalty, gamma / 2));
    return { losses, intermediates: { logits, penalty } };
  });
  return {
    d_real_logits: intermediates.logits,
    r1_penalty: intermediates.penalty,
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
function checkedParameters(config: NetworkConfig, weights: Arrays): Tensors {
  const specs = specsOf(config);
  for (const name of new Set([...Object.keys(specs), ...Object.keys(weights)])) {
    const [expected, found] = [specs[name]?.shape, weights[name]?.shape];
    if (expected?.join() === found?.join() && expected) continue;
    throw new CheckpointError({
      what: `parameter is ${describe(found)} in the weights and ${describe(expected)} in the network`,
      where: name,
      hint: 'The weights must be of the configuration that the case names.',
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
  throw new CheckpointError({ what: 'tensor is missing', where: name, hint: 'The case must be complete.' });
}

function toNhwc(images: Tensor): Tensor4D {
  return tf.transpose(images as Tensor4D, [0, 2, 3, 1]);
}

function toNchw(images: Tensor4D): Tensor4D {
  return tf.transpose(images, [0, 3, 1, 2]);
}

/** Inputs of a case, which are not compared. */
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
    const current = groups.get(group) ?? { group, tensors: 0, worst: name, error: 0, limit };
    const isWorse = error > current.error;
    groups.set(group, {
      ...current,
      tensors: current.tensors + 1,
      ...(isWorse ? { worst: name, error } : {}),
    });
  }
  return [...groups.values()];
}

/**
 * Largest difference over largest value; infinite where sizes differ, or where either side has a
 * value that is not a number.
 */
function relativeError(found: Float32Array, expected: Float32Array): number {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY;
  let [difference, largest] = [0, 0];
  expected.forEach((value, i) => {
    difference = Math.max(difference, Math.abs((found[i] as number) - value));
    largest = Math.max(largest, Math.abs(value));
  });
  const error = difference === 0 ? 0 : difference / largest;
  return Number.isFinite(error) ? error : Number.POSITIVE_INFINITY;
}
