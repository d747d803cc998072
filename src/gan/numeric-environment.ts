/** What the bytes of a training depend on besides its settings. */
import { readFileSync } from 'node:fs';
import { arch, availableParallelism, platform } from 'node:os';
import { environment } from '../core/environment.js';
import type { TrainSpec } from '../spec/train.js';
import { canonicalJson } from '../storage/digest.js';
import type { NumericEnvironment } from './checkpoint.js';
import { resolveXla } from './xla.js';

/** Instruction sets by which numeric kernels choose their code. */
const FEATURES = /^(sse4_1|sse4_2|avx|avx2|fma|avx512\w*|avx_vnni|amx_\w+|asimd\w*|sve\w*|bf16|i8mm)$/;

/** CPU threads of TensorFlow: the spec's, else the environment's, else all processors. */
export function resolveThreads(threads: TrainSpec['threads']): number {
  return threads === 'auto' ? (environment.threads() ?? availableParallelism()) : threads;
}

/** @param library numeric library and version, as it names itself */
export function numericEnvironment(
  train: Pick<TrainSpec, 'threads' | 'mode' | 'xla'>,
  library: string,
): NumericEnvironment {
  return {
    threads: resolveThreads(train.threads),
    library,
    cpuFeatures: cpuFeatures(),
    platform: `${platform()}-${arch()}`,
    mode: train.mode,
    ...(resolveXla(train.xla) && { xla: true as const }),
  };
}

/** Empty where the system does not tell. */
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

/** Fields in which two environments differ; none: same bytes are promised. */
export function differences(a: NumericEnvironment, b: NumericEnvironment): string[] {
  const fields = new Set(Object.keys({ ...a, ...b }) as (keyof NumericEnvironment)[]);
  return [...fields].filter((field) => canonicalJson(a[field] ?? null) !== canonicalJson(b[field] ?? null));
}
