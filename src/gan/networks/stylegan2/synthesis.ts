/** StyleGAN2's synthesis network: a learned constant to an image, with skips. Karras et al. 2020, sections 2 and 4.1, figure 7b. */
import type { Tensor1D, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs';
import { tf } from '../../../nn/tensorflow.js';
import { biasAct } from '../../../nn/ops/bias-act.js';
import { upsample2d } from '../../../nn/ops/upfirdn2d.js';
import { type HalfType, toFloat, toHalf } from '../../../nn/ops/half.js';
import { fullyConnected } from '../../../nn/ops/fully-connected.js';
import { blockResolutions, channelsAt, type NetworkConfig } from '../../config.js';
import { handOver, type LayerPrecision, layerPrecision } from '../half-layers.js';
import { type NoiseSource, type Parameters, take } from '../network.js';
import { buffer, constant, normal, parameter, type ParameterSpecs } from '../parameters.js';
import {
  ACTIVATION_GAIN,
  activate,
  convSpecs,
  denseSpecs,
  filterSpec,
  modulatedConv,
  RESAMPLE_TAPS,
} from './layers.js';

/** State of the synthesis network; its names begin with `synthesis.`. */
export function synthesisSpecs(config: NetworkConfig): ParameterSpecs {
  const specs: ParameterSpecs = {};
  for (const resolution of blockResolutions(config)) {
    const block = `synthesis.b${resolution}`;
    const channels = channelsAt(config, resolution);
    Object.assign(specs, filterSpec(block));
    if (resolution === 4) {
      specs[`${block}.const`] = parameter([channels, 4, 4], normal());
    } else {
      const inputs = channelsAt(config, resolution / 2);
      Object.assign(specs, layerSpecs(config, `${block}.conv0`, inputs, channels, resolution));
    }
    Object.assign(specs, layerSpecs(config, `${block}.conv1`, channels, channels, resolution));
    Object.assign(specs, convSpecs(`${block}.torgb`, config.channels, channels, 1));
    Object.assign(specs, denseSpecs(`${block}.torgb.affine`, channels, config.wDim, 1));
  }
  return specs;
}

function layerSpecs(
  config: NetworkConfig,
  name: string,
  inputs: number,
  outputs: number,
  resolution: number,
): ParameterSpecs {
  return {
    ...convSpecs(name, outputs, inputs, 3),
    ...denseSpecs(`${name}.affine`, inputs, config.wDim, 1),
    ...filterSpec(name),
    [`${name}.noise_const`]: buffer([resolution, resolution], normal()),
    [`${name}.noise_strength`]: parameter([], constant(0)),
  };
}

/** One w [n, wDim] a style layer -> images [n, resolution, resolution, channels]. */
export function applySynthesis(
  config: NetworkConfig,
  parameters: Parameters,
  ws: readonly Tensor2D[],
  noise: NoiseSource,
): Tensor4D {
  // Each block's toRGB shares its w with the next block's first convolution.
  let layer = 0;
  const style = (offset: number) => ws[layer + offset] as Tensor2D;
  const images = style(0).shape[0];
  let x = tf.tile(tf.expandDims(learnedConstant(parameters), 0), [images, 1, 1, 1]) as Tensor4D;
  let image: Tensor4D | null = null;
  let half: HalfType | null = null;
  for (const resolution of blockResolutions(config)) {
    const block = `synthesis.b${resolution}`;
    const precision = layerPrecision(config, resolution);
    x = handOver(x, half, precision.half);
    half = precision.half;
    if (resolution > 4)
      x = styledConv(parameters, `${block}.conv0`, x, style(0), noise, layer++, true, precision);
    x = styledConv(parameters, `${block}.conv1`, x, style(0), noise, layer++, false, precision);
    const rgb = toRgb(parameters, `${block}.torgb`, x, style(0), precision);
    image = image ? (tf.add(upsample2d(image, RESAMPLE_TAPS), rgb) as Tensor4D) : rgb;
  }
  return image as Tensor4D;
}

/** [4, 4, c] */
function learnedConstant(parameters: Parameters): Tensor3D {
  return tf.transpose(take<Tensor3D>(parameters, 'synthesis.b4.const'), [1, 2, 0]);
}

/** w [n, wDim] -> style [n, c] */
function affine(parameters: Parameters, name: string, w: Tensor2D): Tensor2D {
  const weight = take<Tensor2D>(parameters, `${name}.affine.weight`);
  return fullyConnected(w, weight, take<Tensor1D>(parameters, `${name}.affine.bias`));
}

function styledConv(
  parameters: Parameters,
  name: string,
  x: Tensor4D,
  w: Tensor2D,
  noise: NoiseSource,
  layer: number,
  up: boolean,
  precision: LayerPrecision,
): Tensor4D {
  const { half } = precision;
  const weight = take<Tensor4D>(parameters, `${name}.weight`);
  const y = modulatedConv(x, weight, affine(parameters, name, w), { up, gain: ACTIVATION_GAIN, half });
  const noisy = tf.add(y, toHalf(layerNoise(parameters, name, y.shape, noise, layer), half)) as Tensor4D;
  return activate(noisy, take(parameters, `${name}.bias`), precision);
}

/** Noise [n or 1, h, w, 1], the same for all channels, scaled by the layer's learned strength and the activation's gain. */
function layerNoise(
  parameters: Parameters,
  name: string,
  [images, height, width]: [number, number, number, number],
  noise: NoiseSource,
  layer: number,
): Tensor4D {
  const values =
    noise === 'const'
      ? (tf.reshape(take(parameters, `${name}.noise_const`), [1, height, width, 1]) as Tensor4D)
      : noise(layer, [images, height, width, 1]);
  const strength = tf.mul(take(parameters, `${name}.noise_strength`), ACTIVATION_GAIN);
  return tf.mul(values, strength) as Tensor4D;
}

/**
 * Modulated, not demodulated, 1x1 convolution. Karras et al. 2020, section 4.1. To so few channels that weights of each image's
 * own, in a matrix product, cost less than modulated features. Pictures are in single precision.
 *
 * x [n, h, w, c] -> [n, h, w, channels]
 */
function toRgb(
  parameters: Parameters,
  name: string,
  x: Tensor4D,
  w: Tensor2D,
  { half, clamp }: LayerPrecision,
): Tensor4D {
  const [images, height, width, features] = x.shape;
  const weight = take<Tensor4D>(parameters, `${name}.weight`);
  const [channels] = weight.shape;
  const style = tf.mul(affine(parameters, name, w), 1 / Math.sqrt(features));
  const rows = tf.mul(tf.reshape(style, [images, 1, features]), tf.reshape(weight, [1, channels, features]));
  const pixels = tf.reshape(x, [images, height * width, features]);
  const product = toFloat(tf.matMul(pixels, toHalf(rows, half), false, true), half);
  const y = tf.reshape(product, [images, height, width, channels]);
  return biasAct(y, take(parameters, `${name}.bias`), 'linear', { clamp }) as Tensor4D;
}
