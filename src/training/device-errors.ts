/** Errors of a GPU or its driver, as libraries and train.py report them, as errors of set-up. */
import { environment } from '../core/environment.js';
import { SetupError } from '../core/errors.js';
import { queryCards } from '../core/nvidia-smi.js';
import { allParts } from '../core/parts.js';

interface DeviceFault {
  pattern: RegExp;
  what: string;
  hint: string;
}

/** The first one that matches counts: from the most special to the most general. */
const FAULTS: DeviceFault[] = [
  {
    pattern: /no kernel image is available|NO_BINARY_FOR_GPU|NoKernelImageForDevice/i,
    what: 'the GPU of this machine cannot run the kernels of the installed library',
    hint: 'Use a GPU that the library was built for, or a build of the library for this GPU (GIST_TENSORFLOW; for train.py, the PyTorch of GIST_STYLEGAN3_PYTHON).',
  },
  {
    pattern: /invalid device ordinal|CUDA_ERROR_INVALID_DEVICE|Duplicate GPU detected/i,
    what: 'the training asks for more GPUs than this machine has',
    hint: 'Check CUDA_VISIBLE_DEVICES, lower train.stylegan3.gpus, or use a worker with more GPUs.',
  },
  {
    pattern:
      /no CUDA-capable device|CUDA_ERROR_NO_DEVICE|Found no NVIDIA driver|driver version is insufficient|DRIVER_MISMATCH|not compiled with CUDA|No CUDA GPUs are available/i,
    what: 'this machine has no GPU that the library can use',
    hint: 'Check the driver with nvidia-smi, CUDA_VISIBLE_DEVICES, and that the library is built for CUDA (GIST_TENSORFLOW, GIST_STYLEGAN3_PYTHON).',
  },
  {
    pattern: /could not create cud?nn handle/i,
    what: 'cuDNN cannot start on the GPU of this machine',
    hint: 'On a small card its memory is taken: end what else uses it, or lower train.batchGpu. Otherwise check the versions of the driver and of cuDNN.',
  },
  {
    pattern:
      /CUDA error(?!: device-side assert)|CUDA_ERROR_|uncorrectable ECC|fallen off the bus|illegal memory access|CUDNN_STATUS_|CUBLAS_STATUS_|NCCL error/i,
    what: 'the GPU of this machine has failed',
    hint: 'Check it with nvidia-smi and the log of the kernel, or use another worker.',
  },
];

/**
 * @param lines messages of errors or lines of a log, without paths
 * @param library that reported them
 * @returns null when none of them is about the device
 */
export function deviceError(lines: readonly string[], library = boundLibrary()): SetupError | null {
  for (const { pattern, what, hint } of FAULTS) {
    const line = lines.find((text) => pattern.test(text));
    if (!line) continue;
    return new SetupError({
      what: `${what}: ${line.slice(0, 300)}`,
      where: `${describeCards()}, ${library}`,
      hint,
    });
  }
  return null;
}

/** Of set-up's list, since the process that describes an error need not have loaded it. */
function boundLibrary(): string {
  return `TensorFlow ${allParts().tensorflow.version} (${environment.tensorflow()})`;
}

/**
 * The visible cards and their driver; all cards where the visible ones are not named as the driver
 * names them.
 *
 * @param command the driver's program
 */
export function describeCards(command = 'nvidia-smi'): string {
  const fields = ['name', 'driver_version'];
  const card = process.env.CUDA_VISIBLE_DEVICES;
  const visible = card === undefined ? [] : queryCards(fields, { card, command });
  const cards = visible.length > 0 ? visible : queryCards(fields, { command });
  const described = new Set(cards.map(([name, driver]) => `${name}, driver ${driver}`));
  return [...described].join('; ') || 'a card that nvidia-smi does not list';
}
