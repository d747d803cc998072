/** Where tensors enter half precision and leave it. */
import type { Tensor } from '@tensorflow/tfjs';
import { nativeOp } from './native-op.js';
import { customGradient } from './custom-gradient.js';

/** A floating-point type of 16 bits: IEEE's, or the upper half of single precision. */
export type HalfType = 'float16' | 'bfloat16';

/** Attribute of an operation that a graph writes as a cast to that type. */
export const WRITTEN_TYPE = '_gist_type';

/**
 * The tensor in half precision; its gradient comes back in single precision. TensorFlow.js has no
 * such tensors: run op by op this changes nothing, but a recorded graph computes in half precision
 * from here on, up to {@link toFloat} (`nn/program/casts.ts`).
 *
 * @param half null: as it is
 */
export function toHalf<T extends Tensor>(x: T, half: HalfType | null): T {
  return half === null ? x : convert(x, half, 'float32');
}

/** The tensor in single precision again. @param half that it is in; null: as it is */
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
