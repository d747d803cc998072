/** Gradients of a loss with respect to named parameters. */
import type { Tensor } from '@tensorflow/tfjs';
import { tf } from '../../nn/tensorflow.js';
import { type Tensors, take } from '../networks/parameter-scope.js';

/**
 * Result of a loss function: the losses [images], and intermediate tensors that the caller needs.
 */
export interface Losses<Names extends string> {
  losses: Tensor;
  intermediates: Record<Names, Tensor>;
}

export interface LossGradients<Names extends string> extends Losses<Names> {
  /** By parameter; zero where the loss does not depend on it. */
  gradients: Record<string, Tensor>;
}

/** The parameters with respect to which losses are differentiated. */
export interface Differentiated {
  /** Tensors by name; gradients are with respect to those in `names`. */
  parameters: Tensors;
  names: readonly string[];
  /** Number of losses. */
  images: number;
  /** Factor of the gradients, not of the returned losses. Default: 1. */
  scale?: number;
}

/**
 * Runs `lossesOf` and differentiates the mean of its losses.
 *
 * @param lossesOf computes the losses; it may compute gradients itself (gradient penalties)
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
  // The engine differentiates a weighted sum of the losses: the weights are passed as the gradient
  // with respect to the losses.
  const { value, grads } = tf.engine().gradients(forward, inputs, tf.fill([images], scale / images), true);
  // The declared type is wrong: where the loss does not depend on a parameter there is no gradient.
  const found: readonly (Tensor | undefined)[] = grads;
  const gradients = names.map((name, i) => [name, found[i] ?? tf.zerosLike(inputs[i] as Tensor)] as const);
  return { losses: value, intermediates: released(kept), gradients: Object.fromEntries(gradients) };
}

/** Moves the tensors to the caller's tidy scope. */
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
