/** Replacing gradients that overflowed half precision, which would end a training. */
import type { Tensor } from '@tensorflow/tfjs';
import type { PhaseBody } from '../../nn/program/program.js';
import { tf } from '../../nn/tensorflow.js';

/**
 * The phase with zeros for the elements of its gradients that are not finite. An overflow in one
 * step (float16: beyond 65504) would otherwise stay in Adam's moments. Micikevicius et al. 2018,
 * section 3.2, skip the whole step; here only these elements are skipped.
 */
export function withFiniteGradients(body: PhaseBody): PhaseBody {
  return (variables, feeds) => {
    const result = body(variables, feeds);
    if (!result.gradients) return result;
    const finite = (gradients: Record<string, Tensor>) =>
      Object.fromEntries(
        Object.entries(gradients).map(([name, gradient]) => [
          name,
          tf.where(tf.isFinite(gradient), gradient, tf.zerosLike(gradient)),
        ]),
      );
    const gradients = Object.entries(result.gradients).map(([optimizer, byName]) => [
      optimizer,
      finite(byName),
    ]);
    return { ...result, gradients: Object.fromEntries(gradients) };
  };
}
