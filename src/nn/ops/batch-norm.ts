/** Batch norm by the moments of the batch (Ioffe and Szegedy 2015, algorithm 1). */
import type { Tensor } from '@tensorflow/tfjs';
import { tf } from '../tensorflow.js';
import { customGradient } from './custom-gradient.js';
import { type AttributeValue, nativeOps } from './native-op.js';

const OUTPUTS = 6;
const GRADIENTS = 5;

/**
 * x [n, h, w, c], scale and shift [c]. Differentiable once, with respect to all three, in recorded
 * programs: in eager mode the library disposes of the moments before their gradient needs them.
 *
 * @returns the normed maps, and mean and variance (with n - 1) of the batch
 */
export function batchNorm(
  x: Tensor,
  { scale, shift, epsilon }: { scale: Tensor; shift: Tensor; epsilon: number },
): { y: Tensor; mean: Tensor; variance: Tensor } {
  const attributes: Record<string, AttributeValue> = {
    T: ['type', 'float32'],
    U: ['type', 'float32'],
    epsilon: ['float', epsilon],
    data_format: ['text', 'NHWC'],
    is_training: ['bool', true],
  };
  const none = tf.tensor1d([], 'float32');
  let outputs: Tensor[] = [];
  let gradients: Tensor[] | undefined;
  const y = customGradient(
    { x, scale, shift },
    () => {
      const averages: AttributeValue = ['float', 1];
      outputs = nativeOps(
        'FusedBatchNormV3',
        { ...attributes, exponential_avg_factor: averages },
        [x, scale, shift, none, none],
        OUTPUTS,
      );
      return outputs[0] as Tensor;
    },
    (dy) => {
      const gradient = (index: number) => {
        gradients ??= nativeOps(
          'FusedBatchNormGradV3',
          attributes,
          [dy, x, scale, ...outputs.slice(3)],
          GRADIENTS,
        );
        return gradients[index] as Tensor;
      };
      return { x: () => gradient(0), scale: () => gradient(1), shift: () => gradient(2) };
    },
  );
  return { y, mean: outputs[1] as Tensor, variance: outputs[2] as Tensor };
}
