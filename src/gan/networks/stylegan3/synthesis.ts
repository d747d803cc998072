/**
 * StyleGAN3's synthesis network: alias-free layers from Fourier features to an image. Karras et al.
 * 2021, section 3.
 */
import type { Tensor2D, Tensor4D } from '@tensorflow/tfjs';
import type { HalfType } from '../../../nn/ops/half.js';
import { tf } from '../../../nn/tensorflow.js';
import type { NetworkConfig } from '../../config.js';
import type { SynthesisInputs } from '../network.js';
import type { ParameterScope } from '../parameter-scope.js';
import { type ParameterSpecs, scoped } from '../parameters.js';
import { convertFeatures, layerPrecision } from '../shared/layer-precision.js';
import { applyInput, inputSpecs } from './input.js';
import { applyLayer, layerSpecs, MAGNITUDE } from './layer.js';
import { layerPlans, type Signal, signals } from './layer-plans.js';

/** The output of toRGB has a larger scale than images. */
const OUTPUT_SCALE = 0.25;

/** State of the synthesis network, in the scope `synthesis`. */
export function synthesisSpecs(config: NetworkConfig): ParameterSpecs {
  const { wDim } = config;
  const layers = layerPlans(config).map((plan) => scoped(plan.name, layerSpecs(plan, wDim)));
  const input = scoped('input', inputSpecs(signals(config)[0] as Signal, wDim));
  return scoped('synthesis', Object.assign(input, ...layers) as ParameterSpecs);
}

/** Buffers with the running magnitudes of activations. */
export function magnitudeNames(config: NetworkConfig): string[] {
  return layerPlans(config).map(({ name }) => `synthesis.${name}.${MAGNITUDE}`);
}

/**
 * The first w is for the input, the others for the layers. It uses no noise. -> images [n,
 * resolution, resolution, channels]
 */
export function applySynthesis(
  config: NetworkConfig,
  generator: ParameterScope,
  { ws, tracking = null }: SynthesisInputs,
): Tensor4D {
  const synthesis = generator.scope('synthesis');
  const w = (i: number) => ws[i] as Tensor2D;
  let x = applyInput(synthesis.scope('input'), signals(config)[0] as Signal, w(0));
  let half: HalfType | null = null;
  for (const [i, plan] of layerPlans(config).entries()) {
    const precision = layerPrecision(config, plan.target.rate);
    x = convertFeatures(x, half, precision.half);
    half = precision.half;
    x = applyLayer(synthesis.scope(plan.name), plan, { x, w: w(i + 1), precision, tracking });
  }
  return tf.mul(x, OUTPUT_SCALE);
}
