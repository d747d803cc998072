/** Environment variables of TensorFlow and CUDA, to be set before either is loaded. */
import path from 'node:path';
import { environment } from '../core/environment.js';
import { chooseGpu, visibleCards } from '../core/process-start.js';

/**
 * Size of CUDA's cache of compiled kernels. The kernels for a card that the library was not built
 * for take 1 GB.
 */
const KERNEL_CACHE_BYTES = 2 ** 32;

let isSet = false;

/**
 * Disables TF32, which TensorFlow uses for float32 products by default and which has 10 bits of
 * mantissa. Allocates GPU memory as needed instead of all of it, since other processes of GIST use
 * the same GPU, and of one card only, since a training runs on one. Keeps compiled kernels for
 * later processes. The user's values for memory, cards and cache have precedence.
 *
 * @param tf32 allow TF32 for float32 products
 */
export function setDeviceEnvironment({ tf32 = false }: { tf32?: boolean } = {}): void {
  if (isSet) return;
  isSet = true;
  process.env.NVIDIA_TF32_OVERRIDE = tf32 ? '1' : '0';
  process.env.TF_FORCE_GPU_ALLOW_GROWTH ??= 'true';
  chooseGpu();
  // Of several cards TensorFlow would put some tensors on the last, and take memory of all.
  process.env.CUDA_VISIBLE_DEVICES = visibleCards()?.[0] ?? '0';
  process.env.CUDA_CACHE_PATH ??= path.join(environment.dataCacheFolder(), 'cuda-kernels');
  process.env.CUDA_CACHE_MAXSIZE ??= String(KERNEL_CACHE_BYTES);
}
