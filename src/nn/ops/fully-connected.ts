/** Fully connected layers with equalized learning rate. */
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import { tf } from '../tensorflow.js';
import { type Activation, biasAct } from './bias-act.js';

export interface FullyConnectedOptions {
  activation?: Activation;
  /** Learning-rate multiplier; weights and biases are scaled by it at run time. */
  lrMultiplier?: number;
}

/**
 * x [n, in], w [out, in], b [out] -> [n, out]. Karras et al. 2018, section 4.1: weights are scaled
 * by 1 / sqrt(in) at run time.
 */
export function fullyConnected(
  x: Tensor2D,
  w: Tensor2D,
  b: Tensor1D | null,
  { activation = 'linear', lrMultiplier = 1 }: FullyConnectedOptions = {},
): Tensor2D {
  const weight = tf.mul(w, lrMultiplier / Math.sqrt(w.shape[1])) as Tensor2D;
  const bias = b && lrMultiplier !== 1 ? tf.mul(b, lrMultiplier) : b;
  const y = tf.matMul(x, weight, false, true);
  return biasAct(y, bias, activation, { gain: activation === 'lrelu' ? Math.SQRT2 : 1 }) as Tensor2D;
}
