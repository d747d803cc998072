/** Conversions to half precision and back. */
import type { Tensor } from '@tensorflow/tfjs';
import { nativeOp } from './native-op.js';
import { customGradient } from './custom-gradient.js';

/** A 16-bit floating-point type: IEEE 754 binary16, or the upper half of a float32. */
export type HalfType = 'float16' | 'bfloat16';

/** Attribute of a recorded operation: the graph contains a cast to this type instead. */
export const WRITTEN_TYPE = '_gist_type';

/**
 * Converts a tensor to half precision, and its gradient to single precision. TensorFlow.js has no
 * such tensors: in eager mode this changes nothing, but a recorded graph computes in half precision
 * from here to {@link toFloat} (`nn/program/casts.ts`).
 *
 * @param half null: no conversion
 */
export function toHalf<T extends Tensor>(x: T, half: HalfType | null): T {
  return half === null ? x : convert(x, half, 'float32');
}

/** Converts a tensor back to single precision. @param half its type; null: no conversion */
export function toFloat<T extends Tensor>(x: T, half: HalfType | null): T {
  return half === null ? x : convert(x, 'float32', half);
}

function convert<T extends Tensor>(x: T, to: HalfType | 'float32', from: HalfType | 'float32'): T {
  return customGradient(
    { x },
    () => nativeOp('Identity', { T: ['type', 'float32'], [WRITTEN_TYPE]: ['text', to] }, [x]),
    (dy) => ({ x: () => convert(dy, from, to) }),
  ) as T;
}
