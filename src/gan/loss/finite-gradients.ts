/** What keeps a gradient that left half precision's range from ending a training. */
import type { Tensor } from '@tensorflow/tfjs';
import type { PhaseBody } from '../../nn/program/program.js';
import { tf } from '../../nn/tensorflow.js';

/**
 * The same phase, in whose gradients what is not finite counts as zero. Losses scale with the image's size and batch, and a spike
 * in one step's gradients, beyond 65504 in float16, must not stay in Adam's moments for ever (Micikevicius et al. 2018,
 * section 3.2, leave out such steps; here it is only those elements).
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
    const gradients = Object.entries(result.gradients).map(([optimizer, own]) => [optimizer, finite(own)]);
    return { ...result, gradients: Object.fromEntries(gradients) };
  };
}
