/** A classifier network as a compiled graph with the weights of a state dict. */
import type { Tensor4D } from '@tensorflow/tfjs';
import type { NamedTensor } from '../formats/safetensors.js';
import { createProgram, type ProgramDefinition, type Values, type VariableSpec } from '../program/program.js';
import { channelsLastKernel, foldBatchNorm } from './fold.js';
import { forward } from './forward.js';
import type { Classifier } from './layers.js';
import { checkedState, parameterLayers } from './parameters.js';

export interface CompiledClassifier {
  /**
   * @param images [batch, side, side, 3], values 0...255
   * @returns every output of the network, [batch, values]
   */
  run(images: Float32Array): Promise<Values>;
  dispose(): void;
}

/**
 * Compiles a network for batches of a fixed size.
 *
 * @param where name of the file of the state dict, for errors
 * @throws CheckpointError when the state dict is not that of the network
 */
export async function compileClassifier(
  classifier: Classifier,
  state: Record<string, NamedTensor>,
  { batch, where }: { batch: number; where: string },
): Promise<CompiledClassifier> {
  const variables = variablesOf(classifier, checkedState(classifier, state, where));
  const program = await createProgram(definition(classifier, variables, batch), { mode: 'graph' });
  return { run: (images) => program.run('outputs', { images }), dispose: () => program.dispose() };
}

function definition(
  classifier: Classifier,
  variables: Record<string, VariableSpec>,
  batch: number,
): ProgramDefinition {
  const { side } = classifier;
  return {
    variables,
    phases: {
      outputs: {
        feeds: { images: { shape: [batch, side, side, 3], dtype: 'float32' } },
        body: (weights, { images }) => ({ outputs: forward(classifier, weights, images as Tensor4D) }),
      },
    },
  };
}

function variablesOf(
  classifier: Classifier,
  state: Record<string, NamedTensor>,
): Record<string, VariableSpec> {
  const variables: Record<string, VariableSpec> = {};
  const get = (name: string) => state[name] as NamedTensor;
  for (const layer of parameterLayers(classifier)) {
    const { name } = layer;
    const weight = get(`${name}.weight`);
    if (layer.kind === 'convolution' && layer.norm !== null) {
      const part = (of: string) => get(`${layer.norm}.${of}`).data;
      const { kernel, bias } = foldBatchNorm(weight, {
        weight: part('weight'),
        bias: part('bias'),
        mean: part('running_mean'),
        variance: part('running_var'),
        epsilon: classifier.epsilon,
      });
      variables[`${name}.kernel`] = kernel;
      variables[`${name}.bias`] = bias;
      continue;
    }
    variables[`${name}.kernel`] =
      layer.kind === 'convolution' ? channelsLastKernel(weight) : { shape: weight.shape, init: weight.data };
    if (layer.kind === 'linear' && !layer.bias) continue;
    const { shape, data } = get(`${name}.bias`);
    variables[`${name}.bias`] = { shape, init: data };
  }
  return variables;
}
