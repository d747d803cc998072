/** The training of a classifier as a program: a step of AdamW, and the prediction of a batch. */
import type { Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs';
import type { NamedTensor } from '../formats/safetensors.js';
import { customGradient } from '../ops/custom-gradient.js';
import { statelessNormal } from '../ops/random.js';
import { sizeOf } from '../program/definition.js';
import type { PhaseResult, ProgramDefinition, Values, VariableSpec } from '../program/program.js';
import { tf } from '../tensorflow.js';
import { channelsLastKernel } from './fold.js';
import type { Classifier, Layer } from './layers.js';
import { type ParameterLayer, parameterLayers } from './parameters.js';
import { resizeImages } from './resize-matrix.js';
import { type Moments, trainableLogits } from './trainable.js';

/** Images as they are fed: [batch, resolution, resolution, channels], values 0...255. */
export interface TrainingShape {
  batch: number;
  resolution: number;
  channels: 1 | 3;
}

/** Decays of the moments, and the term in the denominator (Kingma and Ba 2015, algorithm 1). */
export const ADAM = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;
/** Decay of the means of batch norms. */
const NORM_DECAY = 0.9;

/** A network with another number of classes. */
export function withClasses(classifier: Classifier, classes: number): Classifier {
  const { head } = classifier;
  const change = (layer: Layer): Layer => {
    if (layer.kind === 'linear') return layer.name === head ? { ...layer, outputs: classes } : layer;
    return layer.kind === 'sequence' ? { ...layer, layers: layer.layers.map(change) } : layer;
  };
  return { ...classifier, network: change(classifier.network) };
}

/**
 * Phases `step`, which returns the mean loss, and `predict`, which returns probabilities [batch,
 * classes].
 */
export function trainingDefinition(
  classifier: Classifier,
  classes: number,
  shape: TrainingShape,
): ProgramDefinition {
  const network = withClasses(classifier, classes);
  const shapes = variableShapes(network);
  const trained = Object.keys(shapes).filter((name) => !isStatistic(name));
  const variables: Record<string, VariableSpec> = {};
  for (const [name, own] of Object.entries(shapes)) variables[name] = { shape: own, init: 0 };
  for (const name of trained)
    for (const moment of ['m', 'v'])
      variables[momentOf(moment, name)] = { shape: shapes[name] as number[], init: 0 };
  const images = {
    shape: [shape.batch, shape.resolution, shape.resolution, shape.channels],
    dtype: 'float32' as const,
  };
  const scalar = { shape: [], dtype: 'float32' as const };
  return {
    variables,
    phases: {
      step: {
        feeds: {
          images,
          targets: { shape: [shape.batch, classes], dtype: 'float32' },
          /** Learning rate with the corrections of the moments; part of weights that decays. */
          rate: scalar,
          decay: scalar,
        },
        body: (own, feeds) => step(network, trained, own, feeds),
      },
      predict: {
        feeds: { images },
        body: (own, feeds) => ({
          outputs: {
            probabilities: softmax(
              trainableLogits(network, own, networkInput(network, feeds.images as Tensor4D), null),
            ),
          },
        }),
      },
    },
  };
}

function networkInput({ side }: Classifier, images: Tensor4D): Tensor4D {
  const resized = resizeImages(images, side);
  return resized.shape[3] === 3 ? resized : tf.concat([resized, resized, resized], 3);
}

function step(
  network: Classifier,
  trained: readonly string[],
  variables: Record<string, Tensor>,
  feeds: Record<string, Tensor>,
): PhaseResult {
  const input = networkInput(network, feeds.images as Tensor4D);
  const moments: Moments = {};
  const lossOf = () =>
    tf.mean(crossEntropy(trainableLogits(network, variables, input, moments), feeds.targets as Tensor2D));
  const weights = trained.map((name) => variables[name] as Tensor);
  const { value, grads } = tf.engine().gradients(lossOf, weights);
  const assign = Object.fromEntries(
    trained.flatMap((name, i) => adamW(name, grads[i] as Tensor, variables, feeds)),
  );
  for (const [name, batch] of Object.entries(moments)) {
    const mean = tf.mul(variables[name] as Tensor, NORM_DECAY);
    assign[name] = tf.add(mean, tf.mul(batch, 1 - NORM_DECAY));
    batch.dispose();
  }
  return { outputs: { loss: value }, assign };
}

/**
 * AdamW (Loshchilov and Hutter 2019, algorithm 2), as operations: the optimizer of a program has a
 * fixed learning rate. Biases and norms do not decay.
 */
function adamW(
  name: string,
  gradient: Tensor,
  variables: Record<string, Tensor>,
  { rate, decay }: Record<string, Tensor>,
): [string, Tensor][] {
  const { beta1, beta2, epsilon } = ADAM;
  const [weight, m0, v0] = [name, momentOf('m', name), momentOf('v', name)].map(
    (variable) => variables[variable] as Tensor,
  ) as [Tensor, Tensor, Tensor];
  const m = tf.add(tf.mul(m0, beta1), tf.mul(gradient, 1 - beta1));
  const v = tf.add(tf.mul(v0, beta2), tf.mul(tf.square(gradient), 1 - beta2));
  const change = tf.mul(tf.div(m, tf.add(tf.sqrt(v), epsilon)), rate as Tensor);
  const shrunk = name.endsWith('.kernel') ? tf.sub(weight, tf.mul(weight, decay as Tensor)) : weight;
  return [
    [name, tf.sub(shrunk, change)],
    [momentOf('m', name), m],
    [momentOf('v', name), v],
  ];
}

/** logits, targets [n, classes] -> [n] */
function crossEntropy(logits: Tensor2D, targets: Tensor2D): Tensor {
  return customGradient(
    { logits },
    () => {
      const shifted = tf.sub(logits, tf.max(logits, 1, true));
      const normalizer = tf.log(tf.sum(tf.exp(shifted), 1));
      return tf.sub(normalizer, tf.sum(tf.mul(shifted, targets), 1));
    },
    (dy) => ({
      logits: () => tf.mul(tf.sub(softmax(logits), targets), tf.reshape(dy, [dy.size, 1])),
    }),
  );
}

/** In elementary operations, whose shapes recording knows. It has no gradient of its own. */
function softmax(logits: Tensor2D): Tensor {
  const powers = tf.exp(tf.sub(logits, tf.max(logits, 1, true)));
  return tf.div(powers, tf.sum(powers, 1, true));
}

/** Values of all variables at the start of a training. */
export function initialValues(
  classifier: Classifier,
  classes: number,
  { seed, state }: { seed: number; state: Record<string, NamedTensor> | null },
): Values {
  const network = withClasses(classifier, classes);
  const values: Values = {};
  for (const [index, layer] of parameterLayers(network).entries()) {
    const own = state && layer.name !== classifier.head ? state : null;
    Object.assign(values, own ? publishedValues(layer, own) : drawnValues(layer, seed, index));
  }
  for (const [name, value] of Object.entries(values)) {
    if (isStatistic(name)) continue;
    for (const moment of ['m', 'v']) values[momentOf(moment, name)] = new Float32Array(value.length);
  }
  return values;
}

function publishedValues(layer: ParameterLayer, state: Record<string, NamedTensor>): Values {
  const get = (name: string) => state[name] as NamedTensor;
  const { name } = layer;
  const weight = get(`${name}.weight`);
  if (layer.kind === 'linear')
    return {
      [`${name}.kernel`]: weight.data,
      ...(layer.bias && { [`${name}.bias`]: get(`${name}.bias`).data }),
    };
  const kernel = { [`${name}.kernel`]: channelsLastKernel(weight).init as Float32Array };
  if (layer.norm === null) return { ...kernel, [`${name}.bias`]: get(`${name}.bias`).data };
  return {
    ...kernel,
    [`${layer.norm}.scale`]: get(`${layer.norm}.weight`).data,
    [`${layer.norm}.shift`]: get(`${layer.norm}.bias`).data,
    [`${layer.norm}.mean`]: get(`${layer.norm}.running_mean`).data,
    [`${layer.norm}.variance`]: get(`${layer.norm}.running_var`).data,
  };
}

/** Normal with the deviation of He et al. 2015, equation 10. */
function drawnValues(layer: ParameterLayer, seed: number, index: number): Values {
  const gain = layer.relu ? Math.SQRT2 : 1;
  return Object.fromEntries(
    Object.entries(layerShapes(layer)).map(([name, shape]) => {
      if (!name.endsWith('.kernel')) {
        const isOne = name.endsWith('.scale') || name.endsWith('.variance');
        return [name, new Float32Array(sizeOf(shape)).fill(isOne ? 1 : 0)];
      }
      const fanIn = sizeOf(shape) / layer.outputs;
      return [name, normal(shape, seed, index, gain / Math.sqrt(fanIn))];
    }),
  );
}

function normal(shape: number[], seed: number, stream: number, deviation: number): Float32Array {
  const drawn = tf.tidy(() =>
    tf.mul(statelessNormal(tf.tensor1d([seed, 0], 'int32'), stream, shape), deviation),
  );
  const values = Float32Array.from(drawn.dataSync<'float32'>());
  drawn.dispose();
  return values;
}

function variableShapes(network: Classifier): Record<string, number[]> {
  return Object.assign({}, ...parameterLayers(network).map(layerShapes)) as Record<string, number[]>;
}

function layerShapes(layer: ParameterLayer): Record<string, number[]> {
  const { name, inputs, outputs } = layer;
  if (layer.kind === 'linear')
    return {
      [`${name}.kernel`]: [outputs, inputs],
      ...(layer.bias && { [`${name}.bias`]: [outputs] }),
    };
  const kernel = { [`${name}.kernel`]: [...layer.kernel, inputs, outputs] };
  if (layer.norm === null) return { ...kernel, [`${name}.bias`]: [outputs] };
  const parts = ['scale', 'shift', 'mean', 'variance'].map((part) => [`${layer.norm}.${part}`, [outputs]]);
  return { ...kernel, ...Object.fromEntries(parts) };
}

/** Means and variances of batch norms are not trained. */
function isStatistic(name: string): boolean {
  return name.endsWith('.mean') || name.endsWith('.variance');
}

function momentOf(moment: string, name: string): string {
  return `${moment}.${name}`;
}
