/** A convolution of each channel with the same filter. */
import type { Tensor4D } from '@tensorflow/tfjs';
import { type AttributeValue, nativeOp } from './native-op.js';
import { tf } from '../tensorflow.js';

/** Up to so many taps one pass over the plane reads less than two passes, one an axis. */
export const SHORT_TAPS = 4;

/**
 * Of a convolution of each channel; padding: zeros before and after, vertically and horizontally.
 */
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
  // Written once and spread by the graph, so that no file holds it for each of some thousand
  // channels.
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
