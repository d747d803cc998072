/** Whether XLA compiles TensorFlow's graphs, and the environment variables that enable it. */
import path from 'node:path';
import { environment } from '../core/environment.js';
import { allParts, expectedPath } from '../core/parts.js';
import type { TrainSpec } from '../spec/train.js';

/**
 * auto: where set-up installed the library for a GPU; on a CPU oneDNN's kernels are faster
 * (docs/decisions/mixed-precision.md).
 */
export function resolveXla(xla: TrainSpec['xla']): boolean {
  return xla === 'auto' ? environment.tensorflow() === 'cuda' : xla;
}

/**
 * Environment variables that TensorFlow reads when it is loaded; the runtime then compiles clusters
 * of operations. None without XLA.
 */
export function xlaVariables(xla: TrainSpec['xla']): Record<string, string> {
  if (!resolveXla(xla)) return {};
  const flags = ['--tf_xla_auto_jit=2'];
  // With `true` operations on a CPU are compiled as well; by default only those on a GPU.
  if (xla === true) flags.push('--tf_xla_cpu_global_jit');
  const variables = { TF_XLA_FLAGS: flags.join(' ') };
  if (environment.tensorflow() !== 'cuda') return variables;
  // XLA links GPU code with CUDA's device library, which is beside TensorFlow in the cache.
  const compiler = path.join(expectedPath(allParts().tensorflow), '..', 'nvidia', 'cuda_nvcc');
  return { ...variables, XLA_FLAGS: `--xla_gpu_cuda_data_dir=${compiler}` };
}
