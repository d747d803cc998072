/** Computes a classifier network on tensors, by its description. */
import type { Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs';
import { nativeOp } from '../ops/native-op.js';
import { tf } from '../tensorflow.js';
import { applyLayers, inRange, poolingInput, type Variables } from './apply-layers.js';
import type { Classifier, Convolution, Pooling } from './layers.js';

/** @param images [n, side, side, 3], values 0...255 @returns the outputs by name, [n, values] */
export function forward(
  { network, range }: Classifier,
  variables: Variables,
  images: Tensor4D,
): Record<string, Tensor2D> {
  const outputs: Record<string, Tensor2D> = {};
  applyLayers(network, inRange(images, range), {
    variables,
    convolve: (layer, x) => convolve(layer, x, variables),
    pool,
    relu: tf.relu,
    onOutput: (name, x) => {
      outputs[name] = (x.rank === 4 ? tf.mean(x, [1, 2]) : x) as Tensor2D;
    },
  });
  return outputs;
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
  const sum = tf.add(product, variables[`${name}.bias`] as Tensor);
  return relu ? tf.relu(sum) : sum;
}

function pool(layer: Pooling, x: Tensor4D): Tensor {
  const { reduce, size, stride } = layer;
  const { input, isSame } = poolingInput(layer, x);
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
