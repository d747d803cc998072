/** What the bytes of a training depend on besides its settings. */
import { readFileSync } from 'node:fs';
import { arch, availableParallelism, platform } from 'node:os';
import { environment } from '../core/environment.js';
import type { TrainSpec } from '../spec/train.js';
import { canonicalJson } from '../storage/digest.js';
import type { NumericEnvironment } from '../checkpoints/manifest.js';
import { resolveXla } from './xla.js';

/** Instruction sets by which numeric kernels choose their code. */
const FEATURES = /^(sse4_1|sse4_2|avx|avx2|fma|avx512\w*|avx_vnni|amx_\w+|asimd\w*|sve\w*|bf16|i8mm)$/;

/** CPU threads of TensorFlow: the spec's, else the environment's, else all processors. */
export function resolveThreads(threads: TrainSpec['threads']): number {
  return threads === 'auto' ? (environment.threads() ?? availableParallelism()) : threads;
}

/** Environment variables that change what kernels compute. */
const VARIABLES =
  /^(TF_ENABLE_ONEDNN_OPTS|TF_XLA_FLAGS|XLA_FLAGS|TF_DETERMINISTIC_OPS|TF_CUDNN_\w+|(ONEDNN|DNNL)_(MAX_CPU_ISA|DEFAULT_FPMATH_MODE)|TF_SET_ONEDNN_FPMATH_MODE)$/;

/** Where something is installed changes nothing. */
const FOLDERS = /--xla_gpu_cuda_data_dir=\S+ ?/;

/**
 * @param library name and version of the numeric library
 * @param graph SHA-256 of the compiled step; null in eager mode
 * @param card null on a CPU
 */
export function numericEnvironment(
  train: Pick<TrainSpec, 'threads' | 'mode' | 'xla' | 'tf32'>,
  library: string,
  graph: string | null = null,
  card: { name: string; driver: string } | null = null,
): NumericEnvironment {
  return {
    threads: resolveThreads(train.threads),
    library,
    cpuFeatures: cpuFeatures(),
    platform: `${platform()}-${arch()}`,
    mode: train.mode,
    ...(resolveXla(train.xla) && { xla: true as const }),
    ...(train.tf32 && { tf32: true as const }),
    variables: Object.fromEntries(
      Object.entries(process.env).flatMap(([name, value]) =>
        VARIABLES.test(name) && value ? [[name, value.replace(FOLDERS, '')]] : [],
      ),
    ),
    ...(graph && { graph }),
    ...(card && { card: `${card.name}, driver ${card.driver}` }),
  };
}

/** Empty where the system does not list them. */
function cpuFeatures(): string[] {
  try {
    const line = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '';
    return line
      .split(/\s+/)
      .filter((flag) => FEATURES.test(flag))
      .sort();
  } catch {
    return [];
  }
}

/** Fields that older checkpoints lack: they are unknown there. */
const LATER_FIELDS: readonly string[] = ['variables', 'graph', 'card'];

/** Fields in which two environments differ; none: the result is bit-exact. */
export function differences(a: NumericEnvironment, b: NumericEnvironment): string[] {
  const fields = new Set(Object.keys({ ...a, ...b }) as (keyof NumericEnvironment)[]);
  return [...fields].filter((field) => {
    if (LATER_FIELDS.includes(field) && !(a[field] && b[field])) return false;
    return canonicalJson(a[field] ?? null) !== canonicalJson(b[field] ?? null);
  });
}
