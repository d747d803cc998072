/** The error of a train.py that has ended by itself, from its exit code and its last lines. */
import { constants } from 'node:os';
import { type GistError, SetupError, TrainerCrashError, TrainingError } from '../../core/errors.js';
import { microBatchSizes } from '../../spec/micro-batches.js';
import type { TrainSpec } from '../../spec/train.js';
import { deviceError } from '../device-errors.js';
import { RESUME_HINT } from '../process/messages.js';

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** Click, the option parser of train.py, exits with this code after it has refused an option. */
const REFUSED_OPTIONS = 2;

export function isOutOfGpuMemory(line: string): boolean {
  return /CUDA out of memory|OutOfMemoryError|CUDNN_STATUS_ALLOC_FAILED|CUBLAS_STATUS_ALLOC_FAILED/.test(
    line,
  );
}

/**
 * @param lines the last ones of its output, without paths
 * @param ranOut whether a line reported that GPU memory ran out before the first tick: after one,
 *   there was enough
 */
export function errorOfExit(
  exit: Exit,
  lines: readonly string[],
  ranOut: boolean,
  train: TrainSpec,
): GistError {
  if (ranOut) return outOfGpuMemory(train);
  const missing = lines.map((line) => /^ModuleNotFoundError: No module named '([\w.]+)'/.exec(line)?.[1]);
  const module = missing.find((name) => name !== undefined);
  if (module) {
    return new SetupError({
      what: `the official trainer's Python has no module ${module}`,
      where: 'GIST_STYLEGAN3_PYTHON',
      hint: "Set it to the interpreter in which the checkout's requirements are installed.",
    });
  }
  const device = deviceError(lines, 'PyTorch of GIST_STYLEGAN3_PYTHON');
  if (device) return device;
  const tail = lines.length > 0 ? ` Its last lines: ${lines.join(' | ')}` : '';
  if (exit.code === REFUSED_OPTIONS && lines.some((line) => /^(Usage|Error):/.test(line))) {
    return new TrainingError({
      what: `train.py refuses its options.${tail}`,
      where: 'train',
      hint: 'Change the settings that it names; GIST_STYLEGAN3_DIR must be a checkout of StyleGAN3, not of an older one.',
    });
  }
  return new TrainerCrashError({
    what: `the official trainer ended by ${nameOf(exit)}.${tail}`,
    hint: RESUME_HINT,
  });
}

/** Whether a request to stop ended it: what stops a job may send one to each of its processes. */
export function wasTerminated({ code, signal }: Exit): boolean {
  return signal === 'SIGTERM' || code === 128 + constants.signals.SIGTERM;
}

/** For a signal the guard exits as a shell does: with 128 plus its number. */
function nameOf({ code, signal }: Exit): string {
  const named = Object.entries(constants.signals).find(([, number]) => code === 128 + number)?.[0];
  return signal ?? named ?? (code === 0 ? 'itself before all kimg were shown' : `exit code ${code}`);
}

function outOfGpuMemory({ batch, batchGpu, stylegan3 }: TrainSpec): TrainingError {
  const { gpus } = stylegan3;
  const perGpu = batchGpu === 'auto' ? batch / gpus : batchGpu;
  const smaller = microBatchSizes(batch / gpus).findLast((size) => size <= perGpu / 2);
  return new TrainingError({
    what: `the memory of the GPU ran out at ${perGpu} images per GPU`,
    where: 'train.batchGpu',
    hint: smaller
      ? `Set train.batchGpu to ${smaller}: the batch stays and is accumulated over micro-batches.`
      : 'Lower cbase and cmax, or use a GPU with more memory.',
  });
}
