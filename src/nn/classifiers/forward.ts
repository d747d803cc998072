/** Computes a classifier network on tensors, by its description. */
import type { Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs';
import { nativeOp } from '../ops/native-op.js';
import { tf } from '../tensorflow.js';
import type { Classifier, Convolution, Layer, Pooling } from './layers.js';

/** Variables: `<layer>.kernel` and `<layer>.bias`. */
type Variables = Record<string, Tensor>;

/** @param images [n, side, side, 3], values 0...255 @returns the outputs by name, [n, values] */
export function forward(
  { network, range }: Classifier,
  variables: Variables,
  images: Tensor4D,
): Record<string, Tensor2D> {
  const outputs: Record<string, Tensor2D> = {};
  const x = tf.div(tf.sub(images, tf.tensor1d([...range.mean])), tf.tensor1d([...range.deviation]));
  apply(network, x, variables, outputs);
  return outputs;
}

function apply(layer: Layer, x: Tensor, variables: Variables, outputs: Record<string, Tensor2D>): Tensor {
  const next = (part: Layer, input: Tensor) => apply(part, input, variables, outputs);
  switch (layer.kind) {
    case 'convolution':
      return convolve(layer, x as Tensor4D, variables);
    case 'pooling':
      return pool(layer, x as Tensor4D);
    case 'linear': {
      const { name, bias, relu } = layer;
      const product = tf.matMul(x as Tensor2D, variables[`${name}.kernel`] as Tensor2D, false, true);
      return activated(bias ? tf.add(product, variables[`${name}.bias`] as Tensor) : product, relu);
    }
    case 'sequence':
      return layer.layers.reduce((input, part) => next(part, input), x);
    case 'branches':
      return tf.concat(
        layer.branches.map((branch) => next(branch, x)),
        3,
      );
    case 'residual':
      return tf.relu(tf.add(next(layer.body, x), layer.shortcut ? next(layer.shortcut, x) : x));
    case 'globalMean':
      return tf.mean(x, [1, 2]);
    case 'flatten':
      return tf.reshape(tf.transpose(x, [0, 3, 1, 2]), [x.shape[0], x.size / x.shape[0]]);
    case 'output':
      outputs[layer.name] = (x.rank === 4 ? tf.mean(x, [1, 2]) : x) as Tensor2D;
      return x;
  }
}

function activated(x: Tensor, relu: boolean): Tensor {
  return relu ? tf.relu(x) : x;
}

function convolve({ name, stride, padding, relu }: Convolution, x: Tensor4D, variables: Variables): Tensor {
  const [top, left] = padding;
  const product = nativeOp(
    'Conv2D',
    {
      T: ['type', 'float32'],
      strides: ['ints', [1, stride, stride, 1]],
      padding: ['text', 'EXPLICIT'],
      explicit_paddings: ['ints', [0, 0, top, top, left, left, 0, 0]],
      data_format: ['text', 'NHWC'],
      use_cudnn_on_gpu: ['bool', true],
      dilations: ['ints', [1, 1, 1, 1]],
    },
    [x, variables[`${name}.kernel`] as Tensor],
  );
  return activated(tf.add(product, variables[`${name}.bias`] as Tensor), relu);
}

/**
 * TensorFlow's own padding is left out of means and maxima; zeros that count are added before. At
 * stride 2 they also stand for the padding of a maximum: pooled maps are never negative.
 */
function pool({ reduce, size, stride, padding, countsPadding }: Pooling, x: Tensor4D): Tensor {
  const isSame = padding > 0 && stride === 1 && !countsPadding;
  const input =
    padding > 0 && !isSame
      ? tf.pad(x, [
          [0, 0],
          [padding, padding],
          [padding, padding],
          [0, 0],
        ])
      : x;
  return nativeOp(
    reduce === 'max' ? 'MaxPool' : 'AvgPool',
    {
      T: ['type', 'float32'],
      ksize: ['ints', [1, size, size, 1]],
      strides: ['ints', [1, stride, stride, 1]],
      padding: ['text', isSame ? 'SAME' : 'VALID'],
      data_format: ['text', 'NHWC'],
    },
    [input],
  );
}
