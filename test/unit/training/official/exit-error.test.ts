/** The error of a train.py that ended by itself, and what it must not contain. */
import assert from 'node:assert/strict';
import { homedir } from 'node:os';
import { test } from 'node:test';
import { SetupError, TrainerCrashError, TrainingError } from '../../../../src/core/errors.js';
import { withoutFolders } from '../../../../src/training/official/log-lines.js';
import { errorOfExit, isOutOfGpuMemory } from '../../../../src/training/official/exit-error.js';
import { trainSchema } from '../../../../src/spec/train.js';

const train = (spec: Record<string, unknown> = {}) => trainSchema.parse({ engine: 'stylegan3', ...spec });
const exit = (code: number) => ({ code, signal: null });

test('folders are left out of what it prints, names of files and addresses are not', () => {
  const clean = (line: string) => withoutFolders(line, { '/srv/Jane Doe/stylegan3': '<checkout>' });
  assert.equal(
    clean('  File "/srv/Jane Doe/stylegan3/training/loss.py", line 7'),
    '  File "<checkout>/training/loss.py", line 7',
  );
  assert.equal(clean("No such file: '/mnt/doe-jane/knee.zip'"), "No such file: 'knee.zip'");
  assert.equal(
    clean('see https://pytorch.org/docs/stable/notes'),
    'see https://pytorch.org/docs/stable/notes',
  );
  assert.equal(clean(`${homedir()}/x`), '~/x');
  assert.equal(clean('x'.repeat(1000)).length, 300);
});

test('GPU memory that ran out is detected by the message of PyTorch, and the hint names micro-batches that divide the batch', () => {
  assert.ok(isOutOfGpuMemory('RuntimeError: CUDA out of memory. Tried to allocate 20.00 MiB'));
  assert.ok(isOutOfGpuMemory('torch.cuda.OutOfMemoryError: CUDA out of memory.'));
  assert.ok(!isOutOfGpuMemory('gpumem 8.0 reserved 9.1'));
  const hint = (spec: Record<string, unknown>) => errorOfExit(exit(1), [], true, train(spec)).hint ?? '';
  assert.match(hint({ batch: 32 }), /batchGpu to 16/);
  assert.match(hint({ batch: 24, batchGpu: 6, stylegan3: { gpus: 2 } }), /batchGpu to 3/);
  assert.match(hint({ batch: 32, batchGpu: 2 }), /Lower cbase and cmax/);
});

test('a missing module and a refused option are for the user to fix', () => {
  const module = errorOfExit(exit(1), ["ModuleNotFoundError: No module named 'click'"], false, train());
  assert.ok(module instanceof SetupError && /no module click/.test(module.message));
  const usage = ['Usage: train.py [OPTIONS]', 'Error: No such option: --batch-gpu'];
  const refused = errorOfExit(exit(2), usage, false, train());
  assert.ok(refused instanceof TrainingError && /No such option: --batch-gpu/.test(refused.message));
});

test('everything else can be retried', () => {
  const crash = errorOfExit(exit(1), ['RuntimeError: CUDA error: device-side assert'], false, train());
  assert.ok(crash instanceof TrainerCrashError && /exit code 1.*device-side assert/.test(crash.message));
  assert.match(errorOfExit(exit(137), [], false, train()).message, /ended by SIGKILL/);
  assert.match(errorOfExit(exit(0), [], false, train()).message, /before all kimg were shown/);
});
