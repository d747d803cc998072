/** StyleGAN2's mapping network: latents and labels to styles. Karras et al. 2019, section 2; conditioning as in Karras et al. 2020 (ADA). */
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import { tf } from '../../../nn/tensorflow.js';
import { fullyConnected } from '../../../nn/ops/fully-connected.js';
import type { NetworkConfig } from '../../config.js';
import { type Parameters, take } from '../network.js';
import { buffer, constant, normal, parameter, type ParameterSpecs } from '../parameters.js';

/** The mapping layers learn 100 times slower than the rest (Karras et al. 2019, appendix C). */
const LEARNING_RATE_MULTIPLIER = 0.01;
const EPSILON = 1e-8;

export interface MappingShape {
  /** Length of z; 0: the network maps a label alone, as the discriminator's does. */
  zDim: number;
  /** Length of a one-hot label; 0: none. */
  classes: number;
  wDim: number;
  layers: number;
  /** Whether a running mean of w is kept, for truncation. */
  tracksMean: boolean;
}

/** The generator's mapping network. */
export function generatorMapping({ zDim, classes, wDim, mappingLayers }: NetworkConfig): MappingShape {
  return { zDim, classes, wDim, layers: mappingLayers, tracksMean: true };
}

/** State of a mapping network; its names begin with `mapping.`. */
export function mappingSpecs({ zDim, classes, wDim, layers, tracksMean }: MappingShape): ParameterSpecs {
  const specs: ParameterSpecs = {};
  const embedded = classes > 0 ? wDim : 0;
  if (classes > 0) {
    specs['mapping.embed.weight'] = parameter([wDim, classes], normal());
    specs['mapping.embed.bias'] = parameter([wDim], constant(0));
  }
  for (let i = 0; i < layers; i++) {
    // Divided by the multiplier, so that layers start with unit gain although they learn slowly.
    specs[`mapping.fc${i}.weight`] = parameter(
      [wDim, i === 0 ? zDim + embedded : wDim],
      normal(1 / LEARNING_RATE_MULTIPLIER),
    );
    specs[`mapping.fc${i}.bias`] = parameter([wDim], constant(0));
  }
  if (tracksMean) specs['mapping.w_avg'] = buffer([wDim], constant(0));
  return specs;
}

/** z [n, zDim] (null where zDim is 0), labels [n, classes] (null where classes is 0) -> w [n, wDim]. */
export function applyMapping(
  parameters: Parameters,
  shape: MappingShape,
  z: Tensor2D | null,
  labels: Tensor2D | null,
): Tensor2D {
  const inputs: Tensor2D[] = [];
  if (z) inputs.push(normalizeSecondMoment(z));
  if (labels) {
    const weight = take<Tensor2D>(parameters, 'mapping.embed.weight');
    const bias = take<Tensor1D>(parameters, 'mapping.embed.bias');
    inputs.push(normalizeSecondMoment(fullyConnected(labels, weight, bias)));
  }
  let w = inputs.length === 1 ? (inputs[0] as Tensor2D) : tf.concat2d(inputs, 1);
  for (let i = 0; i < shape.layers; i++) {
    const weight = take<Tensor2D>(parameters, `mapping.fc${i}.weight`);
    const bias = take<Tensor1D>(parameters, `mapping.fc${i}.bias`);
    w = fullyConnected(w, weight, bias, { activation: 'lrelu', lrMultiplier: LEARNING_RATE_MULTIPLIER });
  }
  return w;
}

/** Each row divided by its root mean square. x [n, d] */
function normalizeSecondMoment(x: Tensor2D): Tensor2D {
  return tf.mul(x, tf.rsqrt(tf.add(tf.mean(tf.square(x), 1, true), EPSILON)));
}
