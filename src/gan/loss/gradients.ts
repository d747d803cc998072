/** Gradients of a loss with respect to named parameters. */
import type { Tensor } from '@tensorflow/tfjs';
import { tf } from '../../nn/tensorflow.js';
import { type Tensors, take } from '../networks/parameter-scope.js';

/**
 * What a loss function returns: the losses [images], and intermediate tensors that are needed too.
 */
export interface Losses<Names extends string> {
  losses: Tensor;
  intermediates: Record<Names, Tensor>;
}

export interface LossGradients<Names extends string> extends Losses<Names> {
  /** By parameter; zero where the loss does not depend on it. */
  gradients: Record<string, Tensor>;
}

/** What losses are differentiated by. */
export interface Differentiated {
  /** Tensors by name; those in `names` are differentiated by. */
  parameters: Tensors;
  names: readonly string[];
  /** How many losses there are. */
  images: number;
  /** Factor of the losses in the gradients only. Default: 1. */
  scale?: number;
}

/**
 * Runs `lossesOf` and differentiates the mean of its losses.
 *
 * @param lossesOf computes the losses from the parameters; it may differentiate inside (penalties
 *   on gradients)
 */
export function lossGradients<Names extends string>(
  { parameters, names, images, scale = 1 }: Differentiated,
  lossesOf: () => Losses<Names>,
): LossGradients<Names> {
  const inputs = names.map((name) => take(parameters, name));
  const kept = {} as Record<Names, Tensor>;
  const forward = () => {
    const { losses, intermediates } = lossesOf();
    // The engine disposes of all other tensors with the tape.
    for (const name in intermediates) kept[name] = tf.keep(intermediates[name]);
    return losses;
  };
  // The engine differentiates a weighted sum of the losses. The weights are passed as the gradient
  // by the losses.
  const { value, grads } = tf.engine().gradients(forward, inputs, tf.fill([images], scale / images), true);
  // The declared type is wrong: where the loss does not depend on a parameter there is no gradient.
  const found: readonly (Tensor | undefined)[] = grads;
  const gradients = names.map((name, i) => [name, found[i] ?? tf.zerosLike(inputs[i] as Tensor)] as const);
  return { losses: value, intermediates: released(kept), gradients: Object.fromEntries(gradients) };
}

/** The same tensors, owned by the caller's scope. */
function released<Names extends string>(kept: Record<Names, Tensor>): Record<Names, Tensor> {
  const owned = {} as Record<Names, Tensor>;
  for (const name in kept) {
    owned[name] = tf.clone(kept[name]);
    kept[name].dispose();
  }
  return owned;
}

/** Gradient of a scalar with respect to one tensor. Differentiable itself. */
export function gradientOf<T extends Tensor>(scalarOf: (x: T) => Tensor, x: T): T {
  return tf.grad((input) => scalarOf(input as T))(x) as T;
}
