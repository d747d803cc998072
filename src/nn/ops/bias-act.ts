/** Bias, activation, gain and clamp: the end of a layer. */
import type { Tensor } from '@tensorflow/tfjs';
import { type AttributeValue, nativeOp } from './native-op.js';
import { tf } from '../tensorflow.js';
import { customGradient } from './custom-gradient.js';

export type Activation = 'linear' | 'lrelu';

export interface BiasActOptions {
  gain?: number;
  /** Values are clamped to +-clamp; null: no clamp. */
  clamp?: number | null;
}

const SLOPE = 0.2;
const FLOAT: Record<string, AttributeValue> = { T: ['type', 'float32'] };

/** clamp(activation(x [..., c] + b [c]) * gain). Differentiable twice. */
export function biasAct(
  x: Tensor,
  b: Tensor | null,
  activation: Activation,
  { gain = 1, clamp = null }: BiasActOptions = {},
): Tensor {
  let y = b ? biasAdd(x, b) : x;
  if (activation === 'lrelu') y = leakyRelu(y);
  if (gain !== 1) y = tf.mul(y, gain);
  return clamp === null ? y : clampTo(y, clamp);
}

/** x [..., c] + b [c], with TensorFlow's BiasAdd, which is faster than a sum in both directions. */
function biasAdd(x: Tensor, b: Tensor): Tensor {
  return customGradient(
    { x, b },
    () => nativeOp('BiasAdd', FLOAT, [x, b]),
    (dy) => ({ x: () => dy, b: () => channelSums(dy) }),
  );
}

/** Sums over all but the last axis. */
function channelSums(dy: Tensor): Tensor {
  return customGradient(
    { dy },
    () => nativeOp('BiasAddGrad', FLOAT, [dy]),
    (ddb) => ({ dy: () => biasAdd(tf.zerosLike(dy), ddb) }),
  );
}

/** max(x, 0.2 x) */
export function leakyRelu(x: Tensor): Tensor {
  let y: Tensor | undefined;
  return customGradient(
    { x },
    () => {
      y = tf.engine().runKernel('LeakyRelu', { x }, { alpha: SLOPE }) as Tensor;
      return y;
    },
    (dy) => ({ x: () => slope(dy, y as Tensor) }),
  );
}

/**
 * dy where the activation was positive, 0.2 dy elsewhere. It uses the output, which has the sign of
 * the input, so that TensorFlow can fuse bias and activation.
 */
function slope(dy: Tensor, y: Tensor): Tensor {
  return customGradient(
    { dy },
    () => nativeOp('LeakyReluGrad', { T: ['type', 'float32'], alpha: ['float', SLOPE] }, [dy, y]),
    (ddy) => ({ dy: () => slope(ddy, y) }),
  );
}

/** Clamps values to +-limit in one pass; the kernel of TensorFlow.js takes two. */
function clampTo(x: Tensor, limit: number): Tensor {
  return customGradient(
    { x },
    () => nativeOp('ClipByValue', { T: ['type', 'float32'] }, [x, tf.scalar(-limit), tf.scalar(limit)]),
    (dy) => ({ x: () => within(dy, x, limit) }),
  );
}

/**
 * dy where x is within +-limit, 0 elsewhere. The gradient of fake quantization computes this in one
 * pass; with a narrow range its limits are symmetric.
 */
function within(dy: Tensor, x: Tensor, limit: number): Tensor {
  return customGradient(
    { dy },
    () =>
      nativeOp(
        'FakeQuantWithMinMaxArgsGradient',
        {
          min: ['float', -limit],
          max: ['float', limit],
          num_bits: ['int', 16],
          narrow_range: ['bool', true],
        },
        [dy, x],
      ),
    (ddy) => ({ dy: () => within(ddy, x, limit) }),
  );
}
