/**
 * StyleGAN2's synthesis network: from a learned constant to an image, with skip connections. Karras
 * et al. 2020, sections 2 and 4.1, figure 7b.
 */
import type { Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs';
import { biasAct } from '../../../nn/ops/bias-act.js';
import { type HalfType, toFloat, toHalf } from '../../../nn/ops/half.js';
import { upsample2d } from '../../../nn/ops/upfirdn2d.js';
import { tf } from '../../../nn/tensorflow.js';
import { blockResolutions, channelsAt, type NetworkConfig } from '../../config.js';
import type { NoiseSource, SynthesisInputs } from '../network.js';
import type { ParameterScope } from '../parameter-scope.js';
import { buffer, constant, normal, parameter, type ParameterSpecs, scoped } from '../parameters.js';
import { convertFeatures, type LayerPrecision, layerPrecision } from '../shared/layer-precision.js';
import {
  ACTIVATION_GAIN,
  activate,
  convSpecs,
  dense,
  denseSpecs,
  filterSpecs,
  RESAMPLE_TAPS,
} from '../shared/layers.js';
import { modulatedConv } from './modulated-conv.js';

/** State of the synthesis network, in the scope `synthesis`. */
export function synthesisSpecs(config: NetworkConfig): ParameterSpecs {
  const blocks = blockResolutions(config).map((resolution) =>
    scoped(`b${resolution}`, blockSpecs(config, resolution)),
  );
  return scoped('synthesis', Object.assign({}, ...blocks) as ParameterSpecs);
}

function blockSpecs(config: NetworkConfig, resolution: number): ParameterSpecs {
  const { wDim } = config;
  const channels = channelsAt(config, resolution);
  const inputs = channelsAt(config, resolution / 2);
  const first: ParameterSpecs =
    resolution === 4
      ? { const: parameter([channels, 4, 4], normal()) }
      : scoped('conv0', layerSpecs({ inputs, outputs: channels, resolution, wDim }));
  return {
    ...filterSpecs(),
    ...first,
    ...scoped('conv1', layerSpecs({ inputs: channels, outputs: channels, resolution, wDim })),
    ...scoped('torgb', {
      ...convSpecs({ outputs: config.channels, inputs: channels, kernel: 1 }),
      ...scoped('affine', denseSpecs({ outputs: channels, inputs: wDim, bias: 1 })),
    }),
  };
}

function layerSpecs({
  inputs,
  outputs,
  resolution,
  wDim,
}: {
  inputs: number;
  outputs: number;
  resolution: number;
  wDim: number;
}): ParameterSpecs {
  return {
    ...convSpecs({ outputs, inputs, kernel: 3 }),
    ...scoped('affine', denseSpecs({ outputs: inputs, inputs: wDim, bias: 1 })),
    ...filterSpecs(),
    noise_const: buffer([resolution, resolution], normal()),
    noise_strength: parameter([], constant(0)),
  };
}

/** One w [n, wDim] for each style layer -> images [n, resolution, resolution, channels]. */
export function applySynthesis(
  config: NetworkConfig,
  generator: ParameterScope,
  { ws, noise }: SynthesisInputs,
): Tensor4D {
  const synthesis = generator.scope('synthesis');
  let layer = 0;
  // Each block's toRGB shares its w with the next block's first convolution.
  const w = () => ws[layer] as Tensor2D;
  const images = w().shape[0];
  let x = tf.tile(tf.expandDims(learnedConstant(synthesis), 0), [images, 1, 1, 1]) as Tensor4D;
  let image: Tensor4D | null = null;
  let half: HalfType | null = null;
  for (const resolution of blockResolutions(config)) {
    const block = synthesis.scope(`b${resolution}`);
    const precision = layerPrecision(config, resolution);
    x = convertFeatures(x, half, precision.half);
    half = precision.half;
    if (resolution > 4) {
      x = styledConv(block.scope('conv0'), x, { w: w(), noise, layer, up: true, precision });
      layer++;
    }
    x = styledConv(block.scope('conv1'), x, { w: w(), noise, layer, up: false, precision });
    layer++;
    const rgb = toRgb(block.scope('torgb'), x, w(), precision);
    image = image ? (tf.add(upsample2d(image, RESAMPLE_TAPS), rgb) as Tensor4D) : rgb;
  }
  return image as Tensor4D;
}

/** [4, 4, c] */
function learnedConstant(synthesis: ParameterScope): Tensor3D {
  return tf.transpose(synthesis.take<Tensor3D>('b4.const'), [1, 2, 0]);
}

interface StyledConvInputs {
  /** [n, wDim] */
  w: Tensor2D;
  noise: NoiseSource;
  /** Number of the layer, for its noise. */
  layer: number;
  /** Whether to double the size. */
  up: boolean;
  precision: LayerPrecision;
}

/** x [n, h, w, c] -> [n, h, w, c'], or twice the size */
function styledConv(
  parameters: ParameterScope,
  x: Tensor4D,
  { w, noise, layer, up, precision }: StyledConvInputs,
): Tensor4D {
  const { half } = precision;
  const style = dense(parameters.scope('affine'), w);
  const y = modulatedConv(x, parameters.take('weight'), style, { up, gain: ACTIVATION_GAIN, half });
  const noisy = tf.add(y, toHalf(layerNoise(parameters, y.shape, noise, layer), half)) as Tensor4D;
  return activate(noisy, parameters.take('bias'), precision);
}

/**
 * Noise [n or 1, h, w, 1], the same for all channels, scaled by the layer's learned strength and
 * the activation's gain.
 */
function layerNoise(
  parameters: ParameterScope,
  [images, height, width]: [number, number, number, number],
  noise: NoiseSource,
  layer: number,
): Tensor4D {
  const values =
    noise === 'const'
      ? (tf.reshape(parameters.take('noise_const'), [1, height, width, 1]) as Tensor4D)
      : noise(layer, [images, height, width, 1]);
  const strength = tf.mul(parameters.take('noise_strength'), ACTIVATION_GAIN);
  return tf.mul(values, strength) as Tensor4D;
}

/**
 * Modulated 1x1 convolution without demodulation. Karras et al. 2020, section 4.1. With few output
 * channels, modulating the weights of each image costs less than modulating the features. Images
 * are in single precision.
 *
 * x [n, h, w, c] -> [n, h, w, channels]
 */
function toRgb(layer: ParameterScope, x: Tensor4D, w: Tensor2D, { half, clamp }: LayerPrecision): Tensor4D {
  const [images, height, width, features] = x.shape;
  const weight = layer.take<Tensor4D>('weight');
  const [channels] = weight.shape;
  const style = tf.mul(dense(layer.scope('affine'), w), 1 / Math.sqrt(features));
  const rows = tf.mul(tf.reshape(style, [images, 1, features]), tf.reshape(weight, [1, channels, features]));
  const pixels = tf.reshape(x, [images, height * width, features]);
  const product = toFloat(tf.matMul(pixels, toHalf(rows, half), false, true), half);
  const y = tf.reshape(product, [images, height, width, channels]);
  return biasAct(y, layer.take('bias'), 'linear', { clamp }) as Tensor4D;
}
