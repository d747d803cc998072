/** Faults of a GPU, told by the messages of TensorFlow, CUDA and PyTorch. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SetupError } from '../../../src/core/errors.js';
import { deviceError } from '../../../src/training/device-errors.js';
import { errorOfExit } from '../../../src/training/official/exit-error.js';
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
