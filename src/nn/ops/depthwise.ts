/** A convolution of each channel with the same filter. */
import type { Tensor4D } from '@tensorflow/tfjs';
import { type AttributeValue, nativeOp } from './native-op.js';
import { tf } from '../tensorflow.js';

/** Up to this number of taps, one two-dimensional pass is faster than a pass per axis. */
export const SHORT_TAPS = 4;

/** Options of a depthwise convolution, with explicit zero padding. */
export interface DepthwiseOptions {
  stride?: number;
  padding?: readonly [top: number, bottom: number, left: number, right: number];
}

/** Correlates each channel with one filter [height, width], given row by row. */
export function depthwise(
  x: Tensor4D,
  plane: readonly number[],
  [height, width]: readonly [number, number],
  { stride = 1, padding = [0, 0, 0, 0] }: DepthwiseOptions = {},
): Tensor4D {
  const [, , , channels] = x.shape;
  // The graph file contains the filter once, and not for each of the channels.
  const filter = tf.broadcastTo(tf.tensor4d([...plane], [height, width, 1, 1]), [height, width, channels, 1]);
  const attributes: Record<string, AttributeValue> = {
    T: ['type', 'float32'],
    strides: ['ints', [1, stride, stride, 1]],
    padding: ['text', 'EXPLICIT'],
    explicit_paddings: ['ints', [0, 0, ...padding, 0, 0]],
    data_format: ['text', 'NHWC'],
    dilations: ['ints', [1, 1, 1, 1]],
  };
  return nativeOp('DepthwiseConv2dNative', attributes, [x, filter]) as Tensor4D;
}
