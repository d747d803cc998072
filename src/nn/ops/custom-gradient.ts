/** Operations with custom gradients, each computed only when it is needed. */
import type { Tensor } from '@tensorflow/tfjs';
import { tf } from '../tensorflow.js';

/** The gradient with respect to each input, computed when called; omitted inputs have none. */
export type Gradients<Names extends string> = Partial<Record<Names, () => Tensor>>;

interface Invocation {
  forwardFunc: (backend: unknown, save: (tensors: Tensor[]) => void) => Tensor;
  backwardsFunc: (dy: Tensor, saved: Tensor[]) => Record<string, () => Tensor>;
  inputs: Record<string, Tensor>;
}

interface TapeEngine {
  runKernelFunc(invocation: Invocation): Tensor;
}

/**
 * Runs `forward` without recording it on the gradient tape, and records one node with the given
 * gradients. If these consist of differentiable operations, the result is differentiable any number
 * of times. Unlike with `tf.customGrad`, gradients that are not needed are not computed.
 */
export function customGradient<Names extends string>(
  inputs: Record<Names, Tensor>,
  forward: () => Tensor,
  gradients: (dy: Tensor) => Gradients<Names>,
): Tensor {
  // Saved tensors, and so the inputs, are kept until the engine disposes of the tape.
  const invocation: Invocation = {
    forwardFunc: (_backend, save) => {
      const y = forward();
      save([...Object.values<Tensor>(inputs), y]);
      return y;
    },
    backwardsFunc: (dy) => gradients(dy) as Record<string, () => Tensor>,
    inputs,
  };
  return (tf.engine() as unknown as TapeEngine).runKernelFunc(invocation);
}
