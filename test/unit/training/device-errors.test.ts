/** Faults of a GPU, told by the messages of TensorFlow, CUDA and PyTorch. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { SetupError, TrainerCrashError } from '../../../src/core/errors.js';
import { deviceError, describeCards } from '../../../src/training/device-errors.js';
import { errorOfExit } from '../../../src/training/official/exit-error.js';
import { explainError } from '../../../src/workers/compute-errors.js';
import { trainSchema } from '../../../src/spec/train.js';

for (const [line, says] of [
  [
    'RuntimeError: CUDA error: no kernel image is available for execution on the device',
    /cannot run the kernels.*GIST_TENSORFLOW/,
  ],
  [
    'RuntimeError: CUDA error: invalid device ordinal',
    /more GPUs than this machine has.*train\.stylegan3\.gpus/,
  ],
  ['RuntimeError: Found no NVIDIA driver on your system.', /no GPU that the library can use.*nvidia-smi/],
  ['failed call to cuInit: CUDA_ERROR_NO_DEVICE: no CUDA-capable device is detected', /no GPU/],
  ['Could not create cudnn handle: CUDNN_STATUS_NOT_INITIALIZED', /cuDNN cannot start.*memory is taken/],
  ['RuntimeError: CUDA error: uncorrectable ECC error encountered', /has failed.*nvidia-smi/],
] as const) {
  test(`"${line}" is a fault of this machine, with a hint`, () => {
    const error = deviceError(['Loading.', line]);
    assert.ok(error instanceof SetupError && says.test(error.message), String(error));
    const train = trainSchema.parse({ engine: 'stylegan3' });
    assert.ok(errorOfExit({ code: 1, signal: null }, [line], false, train) instanceof SetupError);
  });
}

test('an error of the program is none of the device', () => {
  assert.equal(deviceError(['RuntimeError: CUDA error: device-side assert triggered', 'TypeError: x']), null);
});

test('a fault of a device names the card, its driver and the library', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'gist-card-'));
  const command = path.join(folder, 'nvidia-smi');
  try {
    writeFileSync(command, '#!/bin/sh\necho NVIDIA L4, 580.1\necho NVIDIA L4, 580.1\n', { mode: 0o700 });
    assert.equal(describeCards(command), 'NVIDIA L4, driver 580.1');
  } finally {
    rmSync(folder, { recursive: true });
  }
  assert.match(deviceError(['CUDA_ERROR_LAUNCH_FAILED'])?.where ?? '', /, TensorFlow \d+\.\d+/);
});

test('errors of a compute task are faults of the device, a lack of memory, or left as they are', () => {
  const explained = (message: string) => explainError(new Error(message), 'generateShard');
  assert.ok(explained('CUDA_ERROR_LAUNCH_FAILED: unspecified launch failure') instanceof SetupError);
  const memory = explained('Dst tensor is not initialized.');
  assert.ok(memory instanceof TrainerCrashError && /generateShard/.test(memory.message));
  assert.equal((explained('x is not a function') as Error).message, 'x is not a function');
});
