/** Minibatch standard deviation: an additional channel that measures the variation of a group. */
import type { Tensor4D } from '@tensorflow/tfjs';
import { tf } from '../tensorflow.js';

const EPSILON = 1e-8;

/**
 * Karras et al. 2018, section 3. Image i is in group i mod (n / groupSize).
 *
 * x [n, h, w, c] -> [n, h, w, 1]
 *
 * @throws RangeError when n is not a multiple of groupSize
 */
export function minibatchStddev(x: Tensor4D, groupSize: number): Tensor4D {
  const [n, height, width, channels] = x.shape;
  if (n % groupSize !== 0) throw new RangeError(`${n} images cannot form groups of ${groupSize}`);
  const groups = n / groupSize;
  const grouped = tf.reshape(x, [groupSize, groups, height * width * channels]);
  const centered = tf.sub(grouped, tf.mean(grouped, 0, true));
  const deviation = tf.sqrt(tf.add(tf.mean(tf.square(centered), 0), EPSILON));
  const mean = tf.reshape(tf.mean(deviation, 1), [1, groups, 1, 1]);
  const ones = tf.ones([groupSize, 1, height, width]);
  return tf.reshape(tf.mul(ones, mean), [n, height, width, 1]) as Tensor4D;
}
