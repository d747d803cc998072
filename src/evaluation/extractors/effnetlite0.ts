/**
 * EfficientNet-Lite0 as a feature extractor (Tan and Le 2019). The Lite variant has neither
 * squeeze-and-excite nor swish.
 */
import { readFile } from 'node:fs/promises';
import type { Tensor, Tensor4D } from '@tensorflow/tfjs';
import { CheckpointError } from '../../core/errors.js';
import { partPath } from '../../core/parts.js';
import { foldBatchNorm } from '../../nn/classifiers/fold.js';
import {
  createProgram,
  type Program,
  type ProgramDefinition,
  type VariableSpec,
} from '../../nn/program/program.js';
import { readPytorchFile } from '../../nn/formats/torch-file.js';
import type { NamedTensor } from '../../nn/formats/safetensors.js';
import { tf } from '../../nn/tensorflow.js';
import type { FeatureExtractor, LoadedExtractor } from './extractor.js';
import { type ExtractorImage, extractorInput } from './input.js';

const SIDE = 224;
const FEATURES = 1280;
/** Batch size that the graph is compiled for; smaller batches are padded. */
const BATCH = 16;
/** Epsilon of the published model, not TensorFlow's default. */
const BN_EPSILON = 1e-3;

/** Stages of the published model: repeats, stride of the first block, whether blocks expand. */
const STAGES = [
  { repeats: 1, stride: 1, expands: false },
  { repeats: 2, stride: 2, expands: true },
  { repeats: 2, stride: 2, expands: true },
  { repeats: 3, stride: 2, expands: true },
  { repeats: 3, stride: 1, expands: true },
  { repeats: 4, stride: 2, expands: true },
  { repeats: 1, stride: 1, expands: true },
];

interface Block {
  name: string;
  stride: number;
  expands: boolean;
  /** Whether the input is added to the output, which has the same shape. */
  residual: boolean;
}

const BLOCKS: Block[] = STAGES.flatMap(({ repeats, stride, expands }) =>
  Array.from({ length: repeats }, (_, i) => ({ stride: i === 0 ? stride : 1, expands, residual: i > 0 })),
).map((block, i) => ({ ...block, name: `_blocks.${i}` }));

/** The features are the activations after global average pooling. */
export const effnetlite0: FeatureExtractor = {
  name: 'effnetlite0',
  dimensions: FEATURES,
  batch: BATCH,
  load,
};

async function load(): Promise<LoadedExtractor> {
  const file = partPath('efficientnet-lite0');
  const program = await createProgram(definition(readPytorchFile(await readFile(file), file), file), {
    mode: 'graph',
  });
  return {
    extract: async (images) => {
      const out = new Float32Array(images.length * FEATURES);
      for (let from = 0; from < images.length; from += BATCH)
        out.set(await batchFeatures(program, images.slice(from, from + BATCH)), from * FEATURES);
      return out;
    },
    dispose: () => program.dispose(),
  };
}

async function batchFeatures(program: Program, images: readonly ExtractorImage[]): Promise<Float32Array> {
  const batch = new Float32Array(BATCH * SIDE * SIDE * 3);
  for (const [i, image] of images.entries()) batch.set(extractorInput(image, SIDE), i * SIDE * SIDE * 3);
  const { features } = await program.run('features', { images: batch });
  return (features as Float32Array).subarray(0, images.length * FEATURES);
}

function definition(state: Record<string, NamedTensor>, file: string): ProgramDefinition {
  return {
    variables: variablesOf(state, file),
    phases: {
      features: {
        feeds: { images: { shape: [BATCH, SIDE, SIDE, 3], dtype: 'float32' } },
        body: (weights, { images }) => ({ outputs: { features: network(weights, images as Tensor4D) } }),
      },
    },
  };
}

function variablesOf(state: Record<string, NamedTensor>, file: string): Record<string, VariableSpec> {
  const variables: Record<string, VariableSpec> = {};
  for (const layer of layers()) {
    const { kernel, bias } = foldedLayer(state, file, layer);
    variables[`${layer.conv}.kernel`] = kernel;
    variables[`${layer.conv}.bias`] = bias;
  }
  return variables;
}

/** Blocks whose outputs describe patches: of four, eight and sixteen pixels a step. */
const PATCH_BLOCKS = [2, 4, 10];

/** Activations in the middle of the network, finest first: [batch, height, width, channels]. */
export type PatchNetwork = (images: Float32Array) => Promise<Float32Array[]>;

const patchNetworks = new Map<string, Promise<PatchNetwork>>();

/** Compiles a network once: it is small, and every analysis asks for the same. */
export function patchNetwork(side: number, batch: number): Promise<PatchNetwork> {
  const key = `${side}/${batch}`;
  const known = patchNetworks.get(key) ?? compilePatchNetwork(side, batch);
  patchNetworks.set(key, known);
  // The caller receives the error; the next call compiles again.
  known.catch(() => patchNetworks.delete(key));
  return known;
}

async function compilePatchNetwork(side: number, batch: number): Promise<PatchNetwork> {
  const file = partPath('efficientnet-lite0');
  const variables = variablesOf(readPytorchFile(await readFile(file), file), file);
  const body = (weights: Record<string, Tensor>, images: Tensor4D) => {
    const outputs: Record<string, Tensor> = {};
    network(weights, images, (block, output) => {
      if (PATCH_BLOCKS.includes(block)) outputs[`block${block}`] = output;
    });
    return outputs;
  };
  const feeds = { images: { shape: [batch, side, side, 3], dtype: 'float32' as const } };
  const program = await createProgram(
    {
      variables,
      phases: {
        patches: { feeds, body: (weights, { images }) => ({ outputs: body(weights, images as Tensor4D) }) },
      },
    },
    { mode: 'graph' },
  );
  return async (images) => {
    const outputs = await program.run('patches', { images });
    return PATCH_BLOCKS.map((block) => outputs[`block${block}`] as Float32Array);
  };
}

/** Lists every convolution and the batch norm that follows it. */
function layers(): { conv: string; norm: string; depthwise: boolean }[] {
  const blocks = BLOCKS.flatMap(({ name, expands }) => [
    ...(expands ? [{ conv: `${name}._expand_conv`, norm: `${name}._bn0`, depthwise: false }] : []),
    { conv: `${name}._depthwise_conv`, norm: `${name}._bn1`, depthwise: true },
    { conv: `${name}._project_conv`, norm: `${name}._bn2`, depthwise: false },
  ]);
  return [
    { conv: '_conv_stem', norm: '_bn0', depthwise: false },
    ...blocks,
    { conv: '_conv_head', norm: '_bn1', depthwise: false },
  ];
}

/** The kernel of a layer with its batch norm folded in (depthwise: [height, width, outputs, 1]). */
function foldedLayer(
  state: Record<string, NamedTensor>,
  file: string,
  { conv, norm, depthwise }: { conv: string; norm: string; depthwise: boolean },
): { kernel: VariableSpec; bias: VariableSpec } {
  const get = (name: string): NamedTensor => {
    const tensor = state[name];
    if (!tensor)
      throw new CheckpointError({ what: `has no ${name}`, where: file, hint: 'Run `npm run setup` again.' });
    return tensor;
  };
  const { kernel, bias } = foldBatchNorm(get(`${conv}.weight`), {
    weight: get(`${norm}.weight`).data,
    bias: get(`${norm}.bias`).data,
    mean: get(`${norm}.running_mean`).data,
    variance: get(`${norm}.running_var`).data,
    epsilon: BN_EPSILON,
  });
  const [height, width, inputs, outputs] = kernel.shape as [number, number, number, number];
  return { kernel: depthwise ? { ...kernel, shape: [height, width, outputs, inputs] } : kernel, bias };
}

/**
 * @param onBlock receives the output of each block, numbered from 0
 */
function network(
  weights: Record<string, Tensor>,
  images: Tensor4D,
  onBlock: (block: number, output: Tensor4D) => void = () => undefined,
): Tensor {
  const w = (name: string) => weights[name] as Tensor;
  const conv = (x: Tensor4D, name: string, stride = 1) =>
    tf.add(tf.conv2d(x, w(`${name}.kernel`) as Tensor4D, stride, 'same'), w(`${name}.bias`)) as Tensor4D;
  const depthwise = (x: Tensor4D, name: string, stride: number) =>
    tf.add(
      tf.depthwiseConv2d(x, w(`${name}.kernel`) as Tensor4D, stride, 'same'),
      w(`${name}.bias`),
    ) as Tensor4D;
  let x = tf.relu6(conv(tf.div(tf.sub(images, 127), 128), '_conv_stem', 2));
  for (const [block, { name, stride, expands, residual }] of BLOCKS.entries()) {
    const input = x;
    if (expands) x = tf.relu6(conv(x, `${name}._expand_conv`));
    x = tf.relu6(depthwise(x, `${name}._depthwise_conv`, stride));
    x = conv(x, `${name}._project_conv`);
    if (residual) x = tf.add(x, input);
    onBlock(block, x);
  }
  return tf.mean(tf.relu6(conv(x, '_conv_head')), [1, 2]);
}
