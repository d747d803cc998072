/** Operations with gradients of our own, each computed only when it is asked for. */
import type { Tensor } from '@tensorflow/tfjs';
import { tf } from '../tensorflow.js';

/** The gradient by each input, as a thunk; inputs left out have none. */
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
 * Applies `forward` off the tape and puts one node on it, whose gradients are `gradients`. Where
 * those are made of differentiable operations, so is the whole, any number of times. Unlike
 * `tf.customGrad`, gradients nobody needs are not computed.
 */
export function customGradient<Names extends string>(
  inputs: Record<Names, Tensor>,
  forward: () => Tensor,
  gradients: (dy: Tensor) => Gradients<Names>,
): Tensor {
  // The engine throws the saved tensors away with the tape; saving keeps the inputs alive until
  // then.
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
