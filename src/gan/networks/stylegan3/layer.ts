/**
 * A layer of StyleGAN3: modulated convolution, then a nonlinearity that adds no frequencies. Karras
 * et al. 2021, section 3.2.
 */
import type { Tensor, Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs';
import { biasAct } from '../../../nn/ops/bias-act.js';
import { conv2d, convTranspose2d } from '../../../nn/ops/conv.js';
import { filteredActivation } from '../../../nn/ops/filtered-activation.js';
import { type HalfType, toFloat, toHalf } from '../../../nn/ops/half.js';
import { tf } from '../../../nn/tensorflow.js';
import type { Tracking } from '../network.js';
import type { ParameterScope } from '../parameter-scope.js';
import { buffer, constant, type ParameterSpecs, scoped } from '../parameters.js';
import type { LayerPrecision } from '../shared/layer-precision.js';
import { convSpecs, dense, denseSpecs, toHwio, toHwoi } from '../shared/layers.js';
import { demodulation, modulate } from '../shared/modulation.js';
import { radialLowPass, separableLowPass } from './lowpass.js';
import type { LayerPlan } from './layer-plans.js';

/** Buffer of a layer: the running mean square of its input. */
export const MAGNITUDE = 'magnitude_ema';

/** State of a layer. */
export function layerSpecs(plan: LayerPlan, wDim: number): ParameterSpecs {
  const { kernel, source, target, up, down } = plan;
  const filters: ParameterSpecs = {};
  if (up.taps > 1) filters.up_filter = buffer([up.taps], { type: 'values', values: upFilter(plan) });
  if (down.taps > 1) {
    const shape = plan.isRadial ? [down.taps, down.taps] : [down.taps];
    filters.down_filter = buffer(shape, { type: 'values', values: downFilter(plan) });
  }
  return {
    ...convSpecs({ outputs: target.channels, inputs: source.channels, kernel }),
    [MAGNITUDE]: buffer([], constant(1)),
    ...filters,
    ...scoped('affine', denseSpecs({ outputs: source.channels, inputs: wDim, bias: 1 })),
  };
}

function upFilter({ up, source, rate }: LayerPlan): Float32Array {
  return separableLowPass({ taps: up.taps, cutoff: source.cutoff, width: source.halfWidth * 2, rate });
}

function downFilter({ down, target, rate, isRadial }: LayerPlan): Float32Array {
  const design = { taps: down.taps, cutoff: target.cutoff, width: target.halfWidth * 2, rate };
  return isRadial ? radialLowPass(design) : separableLowPass(design);
}

export interface LayerInputs {
  /** Features [n, size, size, c], in the layer's precision. */
  x: Tensor4D;
  /** [n, wDim] */
  w: Tensor2D;
  precision: LayerPrecision;
  tracking: Tracking | null;
}

/** -> features [n, size', size', c'] in the layer's precision; images are in single precision. */
export function applyLayer(
  layer: ParameterScope,
  plan: LayerPlan,
  { x, w, precision, tracking }: LayerInputs,
): Tensor4D {
  const { half, clamp } = precision;
  const magnitude = trackedMagnitude(layer, toFloat(x, half), tracking);
  const style = dense(layer.scope('affine'), w);
  const weight = layer.take<Tensor4D>('weight');
  const inputGain = tf.rsqrt(magnitude);
  if (plan.isToRgb) {
    const scaled = tf.mul(style, tf.mul(inputGain, 1 / Math.sqrt(plan.source.channels))) as Tensor2D;
    const y = toFloat(convolve(x, weight, scaled, half), half);
    return biasAct(y, layer.take('bias'), 'linear', { clamp }) as Tensor4D;
  }
  const y = demodulatedConv(x, weight, { style, inputGain, half });
  // The activation's gain is applied to its input: lrelu(g * x) = g * lrelu(x).
  const bias = toHalf(tf.mul(layer.take<Tensor1D>('bias'), Math.SQRT2), half);
  return layerActivation(plan, biasAct(y, bias, 'linear') as Tensor4D, clamp);
}

/**
 * The running mean square of the layer's inputs, which normalizes them (section 3.2). In training
 * it is updated with x first.
 */
function trackedMagnitude(layer: ParameterScope, x: Tensor4D, tracking: Tracking | null): Tensor {
  const mean = layer.take(MAGNITUDE);
  if (!tracking) return mean;
  const now = tf.mean(tf.square(x));
  const updated = tf.add(now, tf.mul(tf.sub(mean, now), tracking.magnitudeDecay));
  tracking.updated[layer.fullName(MAGNITUDE)] = updated;
  return updated;
}

/**
 * Convolution with normalized weights, modulation of the input and demodulation of the output
 * (Karras et al. 2021, appendix C.2; 2020, section 2.2). Normalizing weights and styles only
 * changes the range of intermediate values.
 */
function demodulatedConv(
  x: Tensor4D,
  weight: Tensor4D,
  { style, inputGain, half }: { style: Tensor2D; inputGain: Tensor; half: HalfType | null },
): Tensor4D {
  const meanSquare = tf.mean(tf.square(weight), [1, 2, 3], true);
  // In half precision, the sum of squares is 1, so that sums keep the scale of their terms.
  const size = half ? tf.mul(meanSquare, weight.size / weight.shape[0]) : meanSquare;
  const kernel = tf.mul(weight, tf.rsqrt(size)) as Tensor4D;
  const unit = tf.mul(style, tf.rsqrt(tf.mean(tf.square(style)))) as Tensor2D;
  const scale = tf.mul(demodulation(kernel, unit), Math.SQRT2) as Tensor2D;
  return modulate(convolve(x, kernel, tf.mul(unit, inputGain) as Tensor2D, half), toHalf(scale, half));
}

/**
 * Convolution with full padding. x [n, h, w, in], weight [out, in, k, k] -> [n, h
 * + k - 1, w + k - 1, out]
 */
function convolve(x: Tensor4D, weight: Tensor4D, style: Tensor2D, half: HalfType | null): Tensor4D {
  const modulated = modulate(x, toHalf(style, half));
  // A 1x1 kernel needs no padding.
  if (weight.shape[2] === 1) return conv2d(modulated, toHwio(weight, half), { stride: 1, padding: 0 });
  // A transposed convolution of the flipped kernel needs no padding, and its gradient no cropping.
  const flipped = tf.reverse(weight, [2, 3]) as Tensor4D;
  return convTranspose2d(modulated, toHwoi(flipped, half), { stride: 1 });
}

/**
 * Upsampling, leaky ReLU, downsampling: at the higher rate, the frequencies that the leaky ReLU
 * adds can be filtered out (section 3.1).
 */
function layerActivation(plan: LayerPlan, x: Tensor4D, clamp: number | null): Tensor4D {
  const { up, down, padding, isRadial } = plan;
  return filteredActivation(
    x,
    { factor: up.factor, taps: [...upFilter(plan)], padding },
    (upsampled) => biasAct(upsampled, null, 'lrelu', { clamp }) as Tensor4D,
    { factor: down.factor, taps: [...downFilter(plan)], isPlane: isRadial },
  );
}
