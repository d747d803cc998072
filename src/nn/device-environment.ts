/** Environment variables of TensorFlow and CUDA, to be set before either is loaded. */
import path from 'node:path';
import { environment } from '../core/environment.js';

/**
 * Bytes of CUDA's cache of compiled kernels: those for a card that the library was not built for
 * fill 1 GB.
 */
const KERNEL_CACHE_BYTES = 2 ** 32;

let isSet = false;

/**
 * Full precision: TensorFlow's default would compute float32 products in TF32, with 10 bits of
 * mantissa. Memory of a card as it is needed, not all of it at once: other processes of ours use
 * the card too. Compiled kernels are kept from process to process. The user's own values for memory
 * and cache have precedence.
 *
 * @param tf32 products of float32 in TF32, for a training that asks for it
 */
export function setDeviceEnvironment({ tf32 = false }: { tf32?: boolean } = {}): void {
  if (isSet) return;
  isSet = true;
  process.env.NVIDIA_TF32_OVERRIDE = tf32 ? '1' : '0';
  process.env.TF_FORCE_GPU_ALLOW_GROWTH ??= 'true';
  process.env.CUDA_CACHE_PATH ??= path.join(environment.dataCacheFolder(), 'cuda-kernels');
  process.env.CUDA_CACHE_MAXSIZE ??= String(KERNEL_CACHE_BYTES);
}
