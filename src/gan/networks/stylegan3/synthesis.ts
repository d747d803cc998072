/** StyleGAN3's synthesis network: Fourier features through layers without aliasing. Karras et al. 2021, section 3. */
import type { Tensor2D, Tensor4D } from '@tensorflow/tfjs';
import type { HalfType } from '../../../nn/ops/half.js';
import { tf } from '../../../nn/tensorflow.js';
import type { NetworkConfig } from '../../config.js';
import { handOver, layerPrecision } from '../half-layers.js';
import type { NoiseSource, Parameters, Tracking } from '../network.js';
import type { ParameterSpecs } from '../parameters.js';
import { applyInput, inputSpecs } from './input.js';
import { applyLayer, layerSpecs, magnitudeName } from './layer.js';
import { layerPlans, type Signal, signals } from './schedule.js';

/** Features come out of toRGB larger than pictures are. */
const OUTPUT_SCALE = 0.25;

/** State of the synthesis network; its names begin with `synthesis.`. */
export function synthesisSpecs(config: NetworkConfig): ParameterSpecs {
  const layers = layerPlans(config).map((plan) => layerSpecs(plan, config.wDim));
  return Object.assign(
    {},
    inputSpecs(signals(config)[0] as Signal, config.wDim),
    ...layers,
  ) as ParameterSpecs;
}

/** Buffers that follow the magnitudes of activations. */
export function magnitudeNames(config: NetworkConfig): string[] {
  return layerPlans(config).map(magnitudeName);
}

/** One w [n, wDim] for the input and for each layer -> images [n, resolution, resolution, channels]. It takes no noise. */
export function applySynthesis(
  config: NetworkConfig,
  parameters: Parameters,
  ws: readonly Tensor2D[],
  _noise: NoiseSource,
  tracking: Tracking | null = null,
): Tensor4D {
  const style = (i: number) => ws[i] as Tensor2D;
  let x = applyInput(parameters, signals(config)[0] as Signal, style(0));
  let half: HalfType | null = null;
  for (const [i, plan] of layerPlans(config).entries()) {
    const precision = layerPrecision(config, plan.target.rate);
    x = handOver(x, half, precision.half);
    half = precision.half;
    x = applyLayer(parameters, plan, x, style(i + 1), precision, tracking);
  }
  return tf.mul(x, OUTPUT_SCALE);
}
