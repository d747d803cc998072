/** StyleGAN2's discriminator: residual, with minibatch standard deviation. Karras et al. 2020, section 4.1, figure 7c. */
import type { Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs';
import { tf } from '../../../nn/tensorflow.js';
import { toHalf } from '../../../nn/ops/half.js';
import { fullyConnected } from '../../../nn/ops/fully-connected.js';
import { minibatchStddev } from '../../../nn/ops/minibatch-stddev.js';
import { groupSize } from '../../../spec/micro-batches.js';
import { blockResolutions, discriminatorChannelsAt, type NetworkConfig } from '../../config.js';
import { handOver, type LayerPrecision, layerPrecision } from '../half-layers.js';
import { type Parameters, take } from '../network.js';
import { normal, parameter, type ParameterSpecs } from '../parameters.js';
import { ACTIVATION_GAIN, activate, conv, convDown, convSpecs, denseSpecs, filterSpec } from './layers.js';
import { applyMapping, type MappingShape, mappingSpecs } from './mapping.js';

/** The discriminator's own mapping network has this many layers, whatever the generator's has. */
const MAPPING_LAYERS = 8;
/** A residual block adds two paths: each is scaled so that the variance stays. */
const RESIDUAL_GAIN = Math.SQRT1_2;

/** The network that turns a label into the vector that features are projected on (Miyato and Koyama 2018). */
function labelMapping(config: NetworkConfig): MappingShape {
  const features = discriminatorChannelsAt(config, 4);
  return { zDim: 0, classes: config.classes, wDim: features, layers: MAPPING_LAYERS, tracksMean: false };
}

/** State of the discriminator. */
export function discriminatorSpecs(config: NetworkConfig): ParameterSpecs {
  const specs: ParameterSpecs = {};
  for (const resolution of blockResolutions(config).reverse()) {
    if (resolution === 4) break;
    const block = `b${resolution}`;
    const channels = discriminatorChannelsAt(config, resolution);
    const outputs = discriminatorChannelsAt(config, resolution / 2);
    Object.assign(specs, filterSpec(block));
    if (resolution === config.resolution) {
      Object.assign(
        specs,
        convSpecs(`${block}.fromrgb`, channels, config.channels, 1),
        filterSpec(`${block}.fromrgb`),
      );
    }
    Object.assign(specs, convSpecs(`${block}.conv0`, channels, channels, 3), filterSpec(`${block}.conv0`));
    Object.assign(specs, convSpecs(`${block}.conv1`, outputs, channels, 3), filterSpec(`${block}.conv1`));
    specs[`${block}.skip.weight`] = parameter([outputs, channels, 1, 1], normal());
    Object.assign(specs, filterSpec(`${block}.skip`));
  }
  return { ...specs, ...epilogueSpecs(config) };
}

function epilogueSpecs(config: NetworkConfig): ParameterSpecs {
  const channels = discriminatorChannelsAt(config, 4);
  return {
    ...convSpecs('b4.conv', channels, channels + 1, 3),
    ...filterSpec('b4.conv'),
    ...denseSpecs('b4.fc', channels, channels * 16),
    ...denseSpecs('b4.out', config.classes > 0 ? channels : 1, channels),
    ...(config.classes > 0 ? mappingSpecs(labelMapping(config)) : {}),
  };
}

/** Images [n, h, w, channels], labels [n, classes] (null when unconditional) -> logits [n, 1]. */
export function applyDiscriminator(
  config: NetworkConfig,
  parameters: Parameters,
  images: Tensor4D,
  labels: Tensor2D | null,
  minibatches: number,
): Tensor2D {
  let precision = layerPrecision(config, config.resolution);
  let x = fromRgb(parameters, `b${config.resolution}.fromrgb`, images, precision);
  for (const resolution of blockResolutions(config).reverse()) {
    const { half } = precision;
    precision = layerPrecision(config, resolution);
    x = handOver(x, half, precision.half);
    if (resolution > 4) x = residualBlock(parameters, `b${resolution}`, x, precision);
  }
  return epilogue(config, parameters, x, labels, minibatches);
}

function fromRgb(
  parameters: Parameters,
  name: string,
  images: Tensor4D,
  precision: LayerPrecision,
): Tensor4D {
  const weight = take<Tensor4D>(parameters, `${name}.weight`);
  const y = conv(toHalf(images, precision.half), weight, ACTIVATION_GAIN, precision.half);
  return activate(y, take<Tensor1D>(parameters, `${name}.bias`), precision);
}

/** [n, h, w, c] -> [n, h/2, w/2, c'] */
function residualBlock(
  parameters: Parameters,
  block: string,
  x: Tensor4D,
  precision: LayerPrecision,
): Tensor4D {
  const { half } = precision;
  const weight = (layer: string) => take<Tensor4D>(parameters, `${block}.${layer}.weight`);
  const bias = (layer: string) => take<Tensor1D>(parameters, `${block}.${layer}.bias`);
  const skip = convDown(x, weight('skip'), RESIDUAL_GAIN, half);
  const y = activate(conv(x, weight('conv0'), ACTIVATION_GAIN, half), bias('conv0'), precision);
  const down = convDown(y, weight('conv1'), ACTIVATION_GAIN * RESIDUAL_GAIN, half);
  return tf.add(skip, activate(down, bias('conv1'), precision, RESIDUAL_GAIN));
}

/** Features [n, 4, 4, c] -> logits [n, 1]. */
function epilogue(
  config: NetworkConfig,
  parameters: Parameters,
  features: Tensor4D,
  labels: Tensor2D | null,
  minibatches: number,
): Tensor2D {
  const apart: Tensor4D[] = minibatches > 1 ? tf.split(features, minibatches) : [features];
  const deviations = apart.map((part) => minibatchStddev(part, groupSize(part.shape[0])));
  const deviation = deviations.length > 1 ? tf.concat4d(deviations, 0) : (deviations[0] as Tensor4D);
  const weight = (layer: string) => take<Tensor2D>(parameters, `b4.${layer}.weight`);
  const bias = (layer: string) => take<Tensor1D>(parameters, `b4.${layer}.bias`);
  const kernel = take<Tensor4D>(parameters, 'b4.conv.weight');
  const widened = tf.concat4d([features, deviation], 3);
  const precision = layerPrecision(config, 4);
  const y = activate(conv(widened, kernel, ACTIVATION_GAIN, precision.half), bias('conv'), precision);
  // Weights count features channel by channel.
  const flat = tf.reshape(tf.transpose(y, [0, 3, 1, 2]), [features.shape[0], -1]) as Tensor2D;
  const hidden = fullyConnected(flat, weight('fc'), bias('fc'), { activation: 'lrelu' });
  const out = fullyConnected(hidden, weight('out'), bias('out'));
  if (!labels) return out;
  const direction = applyMapping(parameters, labelMapping(config), null, labels);
  return tf.mul(tf.sum(tf.mul(out, direction), 1, true), 1 / Math.sqrt(discriminatorChannelsAt(config, 4)));
}
