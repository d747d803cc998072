/** A layer of StyleGAN3: modulated convolution, then a nonlinearity that adds no frequencies. Karras et al. 2021, section 3.2. */
import type { Tensor, Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs';
import { biasAct } from '../../../nn/ops/bias-act.js';
import { conv2d, convTranspose2d } from '../../../nn/ops/conv.js';
import { filteredActivation } from '../../../nn/ops/filtered-activation.js';
import { type HalfType, toFloat, toHalf } from '../../../nn/ops/half.js';
import { fullyConnected } from '../../../nn/ops/fully-connected.js';
import { tf } from '../../../nn/tensorflow.js';
import type { LayerPrecision } from '../half-layers.js';
import { type Parameters, take, type Tracking } from '../network.js';
import { buffer, constant, normal, parameter, type ParameterSpecs } from '../parameters.js';
import { denseSpecs, modulate, toHwio, toHwoi } from '../stylegan2/layers.js';
import { radialLowPass, separableLowPass } from './lowpass.js';
import type { LayerPlan } from './schedule.js';

const DEMODULATION_EPSILON = 1e-8;

/** State of a layer. */
export function layerSpecs(plan: LayerPlan, wDim: number): ParameterSpecs {
  const { kernel, source, target, up, down } = plan;
  const name = `synthesis.${plan.name}`;
  const filters: ParameterSpecs = {};
  if (up.taps > 1)
    filters[`${name}.up_filter`] = buffer([up.taps], { type: 'values', values: upFilter(plan) });
  if (down.taps > 1) {
    const shape = plan.isRadial ? [down.taps, down.taps] : [down.taps];
    filters[`${name}.down_filter`] = buffer(shape, { type: 'values', values: downFilter(plan) });
  }
  return {
    [`${name}.weight`]: parameter([target.channels, source.channels, kernel, kernel], normal()),
    [`${name}.bias`]: parameter([target.channels], constant(0)),
    [magnitudeName(plan)]: buffer([], constant(1)),
    ...filters,
    ...denseSpecs(`${name}.affine`, source.channels, wDim, 1),
  };
}

function upFilter({ up, source, rate }: LayerPlan): Float32Array {
  return separableLowPass({ taps: up.taps, cutoff: source.cutoff, width: source.halfWidth * 2, rate });
}

function downFilter({ down, target, rate, isRadial }: LayerPlan): Float32Array {
  const design = { taps: down.taps, cutoff: target.cutoff, width: target.halfWidth * 2, rate };
  return isRadial ? radialLowPass(design) : separableLowPass(design);
}

/** Buffer that holds the running mean square of what comes into the layer. */
export function magnitudeName(plan: LayerPlan): string {
  return `synthesis.${plan.name}.magnitude_ema`;
}

/** x [n, size, size, c], w [n, wDim] -> [n, size', size', c'], both in the layer's precision; pictures are in single precision. */
export function applyLayer(
  parameters: Parameters,
  plan: LayerPlan,
  x: Tensor4D,
  w: Tensor2D,
  precision: LayerPrecision,
  tracking: Tracking | null,
): Tensor4D {
  const { half, clamp } = precision;
  const own = <T extends Tensor>(name: string) => take<T>(parameters, `synthesis.${plan.name}.${name}`);
  const magnitude = trackedMagnitude(magnitudeName(plan), own('magnitude_ema'), toFloat(x, half), tracking);
  const style = fullyConnected(w, own<Tensor2D>('affine.weight'), own<Tensor1D>('affine.bias'));
  const weight = own<Tensor4D>('weight');
  const inputGain = tf.rsqrt(magnitude);
  if (plan.isToRgb) {
    const scaled = tf.mul(style, tf.mul(inputGain, 1 / Math.sqrt(plan.source.channels))) as Tensor2D;
    const y = toFloat(convolve(x, weight, scaled, half), half);
    return biasAct(y, own('bias'), 'linear', { clamp }) as Tensor4D;
  }
  const y = demodulatedConv(x, weight, style, inputGain, half);
  // The activation's gain is given to what goes in: lrelu(g * x) = g * lrelu(x).
  const bias = toHalf(tf.mul(own<Tensor1D>('bias'), Math.SQRT2), half);
  return layerActivation(plan, biasAct(y, bias, 'linear') as Tensor4D, clamp);
}

/** The running mean square of what comes in, by which it is divided (section 3.2); in training it first takes in `x`. */
function trackedMagnitude(name: string, mean: Tensor, x: Tensor4D, tracking: Tracking | null): Tensor {
  if (!tracking) return mean;
  const now = tf.mean(tf.square(x));
  const updated = tf.add(now, tf.mul(tf.sub(mean, now), tracking.magnitudeDecay));
  tracking.updated[name] = updated;
  return updated;
}

/**
 * Convolution with weights of unit scale, modulated on the input and demodulated on the output (Karras et al. 2021, appendix C.2;
 * 2020, section 2.2). Weights and styles are normalised beforehand, which changes nothing but the range of what is computed.
 */
function demodulatedConv(
  x: Tensor4D,
  weight: Tensor4D,
  style: Tensor2D,
  inputGain: Tensor,
  half: HalfType | null,
): Tensor4D {
  const meanSquare = tf.mean(tf.square(weight), [1, 2, 3], true);
  // In half precision sums stay at the scale of their terms: weights of unit sum of squares.
  const size = half ? tf.mul(meanSquare, weight.size / weight.shape[0]) : meanSquare;
  const kernel = tf.mul(weight, tf.rsqrt(size)) as Tensor4D;
  const unit = tf.mul(style, tf.rsqrt(tf.mean(tf.square(style)))) as Tensor2D;
  const energy = tf.sum(tf.square(kernel), [2, 3]) as Tensor2D;
  const squares = tf.matMul(tf.square(unit), energy, false, true);
  const scale = tf.mul(tf.rsqrt(tf.add(squares, DEMODULATION_EPSILON)), Math.SQRT2) as Tensor2D;
  return modulate(convolve(x, kernel, tf.mul(unit, inputGain) as Tensor2D, half), toHalf(scale, half));
}

/** Convolution that widens the picture by its kernel. x [n, h, w, in], weight [out, in, k, k] -> [n, h + k - 1, w + k - 1, out] */
function convolve(x: Tensor4D, weight: Tensor4D, style: Tensor2D, half: HalfType | null): Tensor4D {
  const modulated = modulate(x, toHalf(style, half));
  // A kernel of one pixel widens nothing.
  if (weight.shape[2] === 1) return conv2d(modulated, toHwio(weight, half), { stride: 1, padding: 0 });
  // As a transposed convolution no zeros are written around the picture, and none are multiplied on the way back.
  const flipped = tf.reverse(weight, [2, 3]) as Tensor4D;
  return convTranspose2d(modulated, toHwoi(flipped, half), { stride: 1 });
}

/** Up, leaky ReLU, down: at the higher rate the frequencies that the ReLU makes can be filtered out (section 3.1). */
function layerActivation(plan: LayerPlan, x: Tensor4D, clamp: number | null): Tensor4D {
  const { up, down, padding, isRadial } = plan;
  return filteredActivation(
    x,
    { factor: up.factor, taps: [...upFilter(plan)], padding },
    (wide) => biasAct(wide, null, 'lrelu', { clamp }) as Tensor4D,
    { factor: down.factor, taps: [...downFilter(plan)], isPlane: isRadial },
  );
}
