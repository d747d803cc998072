/** Applies the layers of a classifier network in order; each use brings its own operations. */
import type { Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs';
import { tf } from '../tensorflow.js';
import type { Convolution, Layer, Pooling } from './layers.js';

/** Variables: `<layer>.kernel` and `<layer>.bias`, and those of batch norms. */
export type Variables = Record<string, Tensor>;

export interface LayerOperations {
  variables: Variables;
  convolve(layer: Convolution, x: Tensor4D): Tensor;
  pool(layer: Pooling, x: Tensor4D): Tensor;
  /** max(x, 0) */
  relu(x: Tensor): Tensor;
  /** Called with the input of each named output. */
  onOutput?(name: string, x: Tensor): void;
}

export function applyLayers(layer: Layer, x: Tensor, operations: LayerOperations): Tensor {
  const next = (part: Layer, input: Tensor) => applyLayers(part, input, operations);
  switch (layer.kind) {
    case 'convolution':
      return operations.convolve(layer, x as Tensor4D);
    case 'pooling':
      return operations.pool(layer, x as Tensor4D);
    case 'linear': {
      const { variables, relu } = operations;
      const kernel = variables[`${layer.name}.kernel`] as Tensor2D;
      const product = tf.matMul(x as Tensor2D, kernel, false, true);
      const sum = layer.bias ? tf.add(product, variables[`${layer.name}.bias`] as Tensor) : product;
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
      return operations.relu(tf.add(next(layer.body, x), layer.shortcut ? next(layer.shortcut, x) : x));
    case 'globalMean':
      return tf.mean(x, [1, 2]);
    case 'flatten':
      return tf.reshape(tf.transpose(x, [0, 3, 1, 2]), [x.shape[0], x.size / x.shape[0]]);
    case 'output':
      operations.onOutput?.(layer.name, x);
      return x;
  }
}

/** Images of 0...255 in the range of the network. */
export function inRange(images: Tensor4D, range: { mean: readonly number[]; deviation: readonly number[] }) {
  return tf.div(tf.sub(images, tf.tensor1d([...range.mean])), tf.tensor1d([...range.deviation]));
}

/** Zeros around each map. */
export function padded(x: Tensor4D, [rows, columns]: readonly [number, number]): Tensor4D {
  if (rows === 0 && columns === 0) return x;
  return tf.pad(x, [
    [0, 0],
    [rows, rows],
    [columns, columns],
    [0, 0],
  ]);
}

/**
 * The input of a pooling, and whether the library pads it. Its own padding is left out of means and
 * maxima; zeros that count are added before. At stride 2 they also stand for the padding of a
 * maximum: pooled maps are never negative.
 */
export function poolingInput(
  { stride, padding, countsPadding }: Pooling,
  x: Tensor4D,
): { input: Tensor4D; isSame: boolean } {
  const isSame = padding > 0 && stride === 1 && !countsPadding;
  return { input: isSame ? x : padded(x, [padding, padding]), isSame };
}
