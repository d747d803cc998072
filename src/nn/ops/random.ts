/**
 * Random tensors from TensorFlow's stateless generators: a pure function of a seed that is fed at
 * run time.
 */
import type { Tensor, Tensor1D } from '@tensorflow/tfjs';
import { type AttributeValue, nativeOp } from './native-op.js';
import { tf } from '../tensorflow.js';

/**
 * Separates the Philox streams of one seed: the stream's number times this large odd number is
 * added to the second half of the seed.
 */
const STREAM_STRIDE = 1_000_003;

const ATTRIBUTES: Record<string, AttributeValue> = {
  dtype: ['type', 'float32'],
  T: ['type', 'int32'],
  Tseed: ['type', 'int32'],
  // Excluded from XLA, which would draw other numbers.
  _XlaCompile: ['bool', false],
};

function draw(op: string, seed: Tensor, stream: number, shape: readonly number[]): Tensor {
  const key = tf.add(seed, tf.tensor1d([0, stream * STREAM_STRIDE], 'int32')) as Tensor1D;
  const size = tf.tensor1d([...shape], 'int32');
  return nativeOp(op, ATTRIBUTES, [size, key]);
}

/** Standard normal numbers. seed int32 [2]; equal seed, stream and shape give equal numbers. */
export function statelessNormal(seed: Tensor, stream: number, shape: readonly number[]): Tensor {
  return draw('StatelessRandomNormal', seed, stream, shape);
}

/** Uniform numbers in [0, 1). seed int32 [2]; equal seed, stream and shape give equal numbers. */
export function statelessUniform(seed: Tensor, stream: number, shape: readonly number[]): Tensor {
  return draw('StatelessRandomUniform', seed, stream, shape);
}
