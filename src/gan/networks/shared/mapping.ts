/**
 * The mapping network: latents and labels to styles. Karras et al. 2019, section 2; labels as in
 * Karras et al. 2020 (ADA).
 */
import type { Tensor2D } from '@tensorflow/tfjs';
import { tf } from '../../../nn/tensorflow.js';
import type { NetworkConfig } from '../../config.js';
import type { ParameterScope } from '../parameter-scope.js';
import { buffer, constant, normal, parameter, type ParameterSpecs, scoped } from '../parameters.js';
import { dense, denseSpecs } from './layers.js';

/** The mapping layers learn 100 times slower than the rest (Karras et al. 2019, appendix C). */
const LEARNING_RATE_MULTIPLIER = 0.01;
const EPSILON = 1e-8;

export interface MappingShape {
  /** Length of z; 0: the network maps labels only, as the discriminator's does. */
  zDim: number;
  /** Length of a one-hot label; 0: none. */
  classes: number;
  wDim: number;
  layers: number;
  /** Whether it keeps a running mean of w, for truncation. */
  tracksMean: boolean;
}

/** The generator's mapping network. */
export function generatorMapping({ zDim, classes, wDim, mappingLayers }: NetworkConfig): MappingShape {
  return { zDim, classes, wDim, layers: mappingLayers, tracksMean: true };
}

/** State of a mapping network, in the scope `mapping`. */
export function mappingSpecs({ zDim, classes, wDim, layers, tracksMean }: MappingShape): ParameterSpecs {
  const specs: ParameterSpecs = {};
  const embedded = classes > 0 ? wDim : 0;
  if (classes > 0) Object.assign(specs, scoped('embed', denseSpecs({ outputs: wDim, inputs: classes })));
  for (let i = 0; i < layers; i++) {
    const inputs = i === 0 ? zDim + embedded : wDim;
    const layer: ParameterSpecs = {
      // Divided by the multiplier, so that layers start with unit gain although they learn slowly.
      weight: parameter([wDim, inputs], normal(1 / LEARNING_RATE_MULTIPLIER)),
      bias: parameter([wDim], constant(0)),
    };
    Object.assign(specs, scoped(`fc${i}`, layer));
  }
  if (tracksMean) specs.w_avg = buffer([wDim], constant(0));
  return scoped('mapping', specs);
}

/**
 * z [n, zDim] (null where zDim is 0), labels [n, classes] (null where classes is 0) -> w [n, wDim].
 */
export function applyMapping(
  network: ParameterScope,
  shape: MappingShape,
  { z, labels }: { z: Tensor2D | null; labels: Tensor2D | null },
): Tensor2D {
  const mapping = network.scope('mapping');
  const inputs: Tensor2D[] = [];
  if (z) inputs.push(normalizeSecondMoment(z));
  if (labels) inputs.push(normalizeSecondMoment(dense(mapping.scope('embed'), labels)));
  let w = inputs.length === 1 ? (inputs[0] as Tensor2D) : tf.concat2d(inputs, 1);
  for (let i = 0; i < shape.layers; i++) {
    const options = { activation: 'lrelu', lrMultiplier: LEARNING_RATE_MULTIPLIER } as const;
    w = dense(mapping.scope(`fc${i}`), w, options);
  }
  return w;
}

/** Each row divided by its root mean square. x [n, d] */
function normalizeSecondMoment(x: Tensor2D): Tensor2D {
  return tf.mul(x, tf.rsqrt(tf.add(tf.mean(tf.square(x), 1, true), EPSILON)));
}
