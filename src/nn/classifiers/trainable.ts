/** Computes a classifier network that is trained: with its batch norms, and differentiable. */
import type { Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs';
import { batchNorm } from '../ops/batch-norm.js';
import { conv2d } from '../ops/conv.js';
import { customGradient } from '../ops/custom-gradient.js';
import { nativeOp } from '../ops/native-op.js';
import { tf } from '../tensorflow.js';
import { applyLayers, inRange, padded, poolingInput, type Variables } from './apply-layers.js';
import type { Classifier, Convolution, Pooling } from './layers.js';

/** Mean and variance of a batch, for each batch norm: `<norm>.mean`, `<norm>.variance`. */
export type Moments = Record<string, Tensor>;

/**
 * Variables: `<layer>.kernel` and `<layer>.bias`; `<norm>.scale`, `.shift`, `.mean`, `.variance`.
 *
 * @param images [n, side, side, 3], values 0...255
 * @param moments receives those of the batch, by which norms are computed; null: the variables'
 * @returns [n, classes]
 */
export function trainableLogits(
  { network, range, epsilon }: Classifier,
  variables: Variables,
  images: Tensor4D,
  moments: Moments | null,
): Tensor2D {
  const context = { variables, epsilon, moments };
  const operations = {
    variables,
    convolve: (layer: Convolution, x: Tensor4D) => convolve(layer, x, context),
    pool,
    relu,
  };
  return applyLayers(network, inRange(images, range), operations) as Tensor2D;
}

interface Context {
  variables: Variables;
  epsilon: number;
  moments: Moments | null;
}

function convolve(layer: Convolution, x: Tensor4D, context: Context): Tensor {
  const { name, norm, kernel, stride, padding } = layer;
  const weight = context.variables[`${name}.kernel`] as Tensor4D;
  const isSame = stride === 1 && kernel[0] === kernel[1] && padding[0] === (kernel[0] - 1) / 2;
  const product = isSame
    ? conv2d(x, weight, { stride, padding: padding[0] })
    : conv2d(padded(x, padding), weight, { stride, padding: 0 });
  const y = norm
    ? normalize(product, norm, context)
    : tf.add(product, context.variables[`${name}.bias`] as Tensor);
  return layer.relu ? relu(y) : y;
}

function pool(layer: Pooling, x: Tensor4D): Tensor {
  const { input, isSame } = poolingInput(layer, x);
  const pooled = layer.reduce === 'max' ? tf.maxPool : tf.avgPool;
  return pooled(input, layer.size, layer.stride, isSame ? 'same' : 'valid');
}

/** max(x, 0) */
function relu(x: Tensor): Tensor {
  let y: Tensor | undefined;
  return customGradient(
    { x },
    () => {
      y = tf.relu(x);
      return y;
    },
    (dy) => ({ x: () => nativeOp('ReluGrad', { T: ['type', 'float32'] }, [dy, y as Tensor]) }),
  );
}

/** Batch norm; without a batch to learn from, by the means of earlier ones. */
function normalize(x: Tensor, norm: string, { variables, epsilon, moments }: Context): Tensor {
  const of = (part: string) => variables[`${norm}.${part}`] as Tensor;
  if (!moments) {
    const factor = tf.mul(of('scale'), tf.rsqrt(tf.add(of('variance'), epsilon)));
    return tf.add(tf.mul(tf.sub(x, of('mean')), factor), of('shift'));
  }
  const { y, mean, variance } = batchNorm(x, { scale: of('scale'), shift: of('shift'), epsilon });
  moments[`${norm}.mean`] = tf.keep(mean);
  moments[`${norm}.variance`] = tf.keep(variance);
  return y;
}
