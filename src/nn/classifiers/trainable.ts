/** Computes a classifier network that is trained: with its batch norms, and differentiable. */
import type { Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs';
import { batchNorm } from '../ops/batch-norm.js';
import { conv2d } from '../ops/conv.js';
import { customGradient } from '../ops/custom-gradient.js';
import { nativeOp } from '../ops/native-op.js';
import { tf } from '../tensorflow.js';
import type { Classifier, Convolution, Layer, Pooling } from './layers.js';

type Variables = Record<string, Tensor>;

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
  const x = tf.div(tf.sub(images, tf.tensor1d([...range.mean])), tf.tensor1d([...range.deviation]));
  return apply(network, x, { variables, epsilon, moments }) as Tensor2D;
}

interface Context {
  variables: Variables;
  epsilon: number;
  moments: Moments | null;
}

function apply(layer: Layer, x: Tensor, context: Context): Tensor {
  const next = (part: Layer, input: Tensor) => apply(part, input, context);
  switch (layer.kind) {
    case 'convolution':
      return convolve(layer, x as Tensor4D, context);
    case 'pooling':
      return pool(layer, x as Tensor4D);
    case 'linear': {
      const { name, bias } = layer;
      const kernel = context.variables[`${name}.kernel`] as Tensor2D;
      const product = tf.matMul(x as Tensor2D, kernel, false, true);
      const sum = bias ? tf.add(product, context.variables[`${name}.bias`] as Tensor) : product;
      return layer.relu ? relu(sum) : sum;
    }
    case 'sequence':
      return layer.layers.reduce((input, part) => next(part, input), x);
    case 'branches':
      return tf.concat(
        layer.branches.map((branch) => next(branch, x)),
        3,
      );
    case 'residual':
      return relu(tf.add(next(layer.body, x), layer.shortcut ? next(layer.shortcut, x) : x));
    case 'globalMean':
      return tf.mean(x, [1, 2]);
    case 'flatten':
      return tf.reshape(tf.transpose(x, [0, 3, 1, 2]), [x.shape[0], x.size / x.shape[0]]);
    case 'output':
      return x;
  }
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

function padded(x: Tensor4D, [rows, columns]: readonly [number, number]): Tensor4D {
  if (rows === 0 && columns === 0) return x;
  return tf.pad(x, [
    [0, 0],
    [rows, rows],
    [columns, columns],
    [0, 0],
  ]);
}

/**
 * Zeros that count are added before. At stride 2 they also stand for the padding of a maximum:
 * pooled maps are never negative.
 */
function pool({ reduce, size, stride, padding, countsPadding }: Pooling, x: Tensor4D): Tensor {
  const isSame = padding > 0 && stride === 1 && !countsPadding;
  const input = isSame ? x : padded(x, [padding, padding]);
  const pooled = reduce === 'max' ? tf.maxPool : tf.avgPool;
  return pooled(input, size, stride, isSame ? 'same' : 'valid');
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
