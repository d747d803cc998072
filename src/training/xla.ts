/** Whether XLA compiles TensorFlow's graphs, and the environment variables that enable it. */
import path from 'node:path';
import { environment } from '../core/environment.js';
import { allParts, expectedPath } from '../core/parts.js';
import type { TrainSpec } from '../spec/train.js';

/**
 * auto: no. On a CPU oneDNN's kernels are faster; on an H200 the step of a 256 px training was not
 * compiled after two minutes (docs/decisions/mixed-precision.md).
 */
export function resolveXla(xla: TrainSpec['xla']): boolean {
  return xla === true;
}

/**
 * Environment variables that TensorFlow reads when it is loaded; the runtime then compiles clusters
 * of operations. None without XLA.
 *
 * @param tf32 whether float32 products may be computed in TF32
 */
export function xlaVariables(xla: TrainSpec['xla'], tf32 = false): Record<string, string> {
  if (!resolveXla(xla)) return {};
  const jit = '--tf_xla_auto_jit=2';
  if (environment.tensorflow() !== 'cuda') return { TF_XLA_FLAGS: `${jit} --tf_xla_cpu_global_jit` };
  // XLA links GPU code with CUDA's device library, which is beside TensorFlow in the cache.
  const compiler = path.join(expectedPath(allParts().tensorflow), '..', 'nvidia', 'cuda_nvcc');
  // XLA's own matrix kernels do not read NVIDIA_TF32_OVERRIDE; those of cuBLAS do.
  const kernels = tf32 ? [] : ['--xla_gpu_enable_triton_gemm=false'];
  const flags = [`--xla_gpu_cuda_data_dir=${compiler}`, ...kernels];
  return { TF_XLA_FLAGS: jit, XLA_FLAGS: flags.join(' ') };
}

/** Sets them before those that the user gives, which have precedence. */
export function setXlaVariables({ xla, tf32 }: Pick<TrainSpec, 'xla' | 'tf32'>): void {
  for (const [name, flags] of Object.entries(xlaVariables(xla, tf32)))
    process.env[name] = [flags, process.env[name]].filter(Boolean).join(' ');
}
