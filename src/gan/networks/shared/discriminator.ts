/**
 * The discriminator: residual, with minibatch standard deviation. Karras et al. 2020, section 4.1,
 * figure 7c.
 */
import type { Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs';
import { toHalf } from '../../../nn/ops/half.js';
import { minibatchStddev } from '../../../nn/ops/minibatch-stddev.js';
import { tf } from '../../../nn/tensorflow.js';
import { groupSize } from '../../../spec/micro-batches.js';
import { blockResolutions, discriminatorChannelsAt, type NetworkConfig } from '../../config.js';
import type { DiscriminatorInputs } from '../network.js';
import type { ParameterScope } from '../parameter-scope.js';
import { normal, parameter, type ParameterSpecs, scoped } from '../parameters.js';
import { convertFeatures, type LayerPrecision, layerPrecision } from './layer-precision.js';
import {
  ACTIVATION_GAIN,
  activate,
  conv,
  convDown,
  convSpecs,
  dense,
  denseSpecs,
  filterSpecs,
} from './layers.js';
import { applyMapping, type MappingShape, mappingSpecs } from './mapping.js';

/** The discriminator's own mapping network has this many layers, regardless of the generator's. */
const MAPPING_LAYERS = 8;
/** A residual block adds two paths. Each is scaled so that the sum keeps the variance. */
const RESIDUAL_GAIN = Math.SQRT1_2;

/**
 * The network that turns a label into the vector that features are projected on (Miyato and Koyama
 * 2018).
 */
function labelMapping(config: NetworkConfig): MappingShape {
  const features = discriminatorChannelsAt(config, 4);
  return { zDim: 0, classes: config.classes, wDim: features, layers: MAPPING_LAYERS, tracksMean: false };
}

/** State of the discriminator. */
export function discriminatorSpecs(config: NetworkConfig): ParameterSpecs {
  const blocks = blockResolutions(config)
    .filter((resolution) => resolution > 4)
    .reverse()
    .map((resolution) => scoped(`b${resolution}`, blockSpecs(config, resolution)));
  return Object.assign({}, ...blocks, epilogueSpecs(config)) as ParameterSpecs;
}

function blockSpecs(config: NetworkConfig, resolution: number): ParameterSpecs {
  const channels = discriminatorChannelsAt(config, resolution);
  const outputs = discriminatorChannelsAt(config, resolution / 2);
  const layer = (shape: Parameters<typeof convSpecs>[0]) => ({ ...convSpecs(shape), ...filterSpecs() });
  const rgb = { outputs: channels, inputs: config.channels, kernel: 1 };
  return {
    ...filterSpecs(),
    ...(resolution === config.resolution ? scoped('fromrgb', layer(rgb)) : {}),
    ...scoped('conv0', layer({ outputs: channels, inputs: channels, kernel: 3 })),
    ...scoped('conv1', layer({ outputs, inputs: channels, kernel: 3 })),
    ...scoped('skip', { weight: parameter([outputs, channels, 1, 1], normal()), ...filterSpecs() }),
  };
}

function epilogueSpecs(config: NetworkConfig): ParameterSpecs {
  const channels = discriminatorChannelsAt(config, 4);
  const isConditional = config.classes > 0;
  return {
    ...scoped('b4', {
      ...scoped('conv', {
        ...convSpecs({ outputs: channels, inputs: channels + 1, kernel: 3 }),
        ...filterSpecs(),
      }),
      ...scoped('fc', denseSpecs({ outputs: channels, inputs: channels * 16 })),
      ...scoped('out', denseSpecs({ outputs: isConditional ? channels : 1, inputs: channels })),
    }),
    ...(isConditional ? mappingSpecs(labelMapping(config)) : {}),
  };
}

/** Images [n, h, w, channels], labels [n, classes] (null when unconditional) -> logits [n, 1]. */
export function applyDiscriminator(
  config: NetworkConfig,
  discriminator: ParameterScope,
  { images, labels, minibatches = 1 }: DiscriminatorInputs,
): Tensor2D {
  let precision = layerPrecision(config, config.resolution);
  let x = fromRgb(discriminator.scope(`b${config.resolution}.fromrgb`), images, precision);
  for (const resolution of blockResolutions(config).reverse()) {
    const { half } = precision;
    precision = layerPrecision(config, resolution);
    x = convertFeatures(x, half, precision.half);
    if (resolution > 4) x = residualBlock(discriminator.scope(`b${resolution}`), x, precision);
  }
  const out = epilogue(discriminator.scope('b4'), x, minibatches, precision);
  if (!labels) return out;
  const direction = applyMapping(discriminator, labelMapping(config), { z: null, labels });
  return tf.mul(tf.sum(tf.mul(out, direction), 1, true), 1 / Math.sqrt(discriminatorChannelsAt(config, 4)));
}

/** Images [n, h, w, channels] -> features [n, h, w, c] */
function fromRgb(layer: ParameterScope, images: Tensor4D, precision: LayerPrecision): Tensor4D {
  const { half } = precision;
  const y = conv(toHalf(images, half), layer.take('weight'), ACTIVATION_GAIN, half);
  return activate(y, layer.take('bias'), precision);
}

/** [n, h, w, c] -> [n, h/2, w/2, c'] */
function residualBlock(block: ParameterScope, x: Tensor4D, precision: LayerPrecision): Tensor4D {
  const { half } = precision;
  const weight = (layer: string) => block.take<Tensor4D>(`${layer}.weight`);
  const bias = (layer: string) => block.take<Tensor1D>(`${layer}.bias`);
  const skip = convDown(x, weight('skip'), RESIDUAL_GAIN, half);
  const y = activate(conv(x, weight('conv0'), ACTIVATION_GAIN, half), bias('conv0'), precision);
  const down = convDown(y, weight('conv1'), ACTIVATION_GAIN * RESIDUAL_GAIN, half);
  return tf.add(skip, activate(down, bias('conv1'), precision, RESIDUAL_GAIN));
}

/** Features [n, 4, 4, c] -> [n, 1], or [n, c] of conditional networks. */
function epilogue(
  block: ParameterScope,
  features: Tensor4D,
  minibatches: number,
  precision: LayerPrecision,
): Tensor2D {
  const separate: Tensor4D[] = minibatches > 1 ? tf.split(features, minibatches) : [features];
  const deviations = separate.map((minibatch) => minibatchStddev(minibatch, groupSize(minibatch.shape[0])));
  const deviation = deviations.length > 1 ? tf.concat4d(deviations, 0) : (deviations[0] as Tensor4D);
  const widened = tf.concat4d([features, deviation], 3);
  const convolved = conv(widened, block.take('conv.weight'), ACTIVATION_GAIN, precision.half);
  const y = activate(convolved, block.take('conv.bias'), precision);
  // The weights are in the order of channels first (NCHW).
  const flat = tf.reshape(tf.transpose(y, [0, 3, 1, 2]), [features.shape[0], -1]) as Tensor2D;
  const hidden = dense(block.scope('fc'), flat, { activation: 'lrelu' });
  return dense(block.scope('out'), hidden);
}
