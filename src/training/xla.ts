/** Whether TensorFlow's graphs are compiled by XLA, and what TensorFlow is told of it before it is loaded. */
import path from 'node:path';
import { environment } from '../core/environment.js';
import { allParts, expectedPath } from '../core/parts.js';
import type { TrainSpec } from '../spec/train.js';

/** auto: where set-up bound the library for a GPU; on a CPU oneDNN's kernels are faster (docs/decisions/mixed-precision.md). */
export function resolveXla(xla: TrainSpec['xla']): boolean {
  return xla === 'auto' ? environment.tensorflow() === 'cuda' : xla;
}

/**
 * Variables of the environment that TensorFlow reads when it is loaded: clusters of operations are compiled as the runtime finds
 * them. None without XLA.
 */
export function xlaVariables(xla: TrainSpec['xla']): Record<string, string> {
  if (!resolveXla(xla)) return {};
  const flags = ['--tf_xla_auto_jit=2'];
  // Asked for by name it is compiled on whatever there is; by default only what runs on a GPU.
  if (xla === true) flags.push('--tf_xla_cpu_global_jit');
  const variables = { TF_XLA_FLAGS: flags.join(' ') };
  if (environment.tensorflow() !== 'cuda') return variables;
  // XLA links GPU code with CUDA's device library, which lies beside TensorFlow in the cache.
  const compiler = path.join(expectedPath(allParts().tensorflow), '..', 'nvidia', 'cuda_nvcc');
  return { ...variables, XLA_FLAGS: `--xla_gpu_cuda_data_dir=${compiler}` };
}
