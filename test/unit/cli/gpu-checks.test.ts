/** What `gist doctor` reads about cards and their libraries, without a card. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { missingLibraries, parseCard } from '../../../src/cli/gpu-checks.js';
import { chooseGpu } from '../../../src/core/process-start.js';

test('a line of nvidia-smi is a card', () => {
  assert.deepEqual(parseCard(['1', 'NVIDIA A10G', '580.95.05', '23028', '22500', '8.6']), {
    index: 1,
    name: 'NVIDIA A10G',
    driver: '580.95.05',
    totalMiB: 23028,
    freeMiB: 22500,
    capability: 8.6,
  });
});

test('a missing library of CUDA is named with the wheel that has it', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'gist-cuda-'));
  try {
    assert.equal(missingLibraries(folder).length, 7);
    const lib = path.join(folder, 'nvidia', 'all', 'lib');
    mkdirSync(lib, { recursive: true });
    for (const [name] of missingLibraries(folder))
      if (name !== 'libcudnn.so.9') writeFileSync(path.join(lib, name), '');
    assert.deepEqual(missingLibraries(folder), [['libcudnn.so.9', 'nvidia-cudnn-cu12']]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('GIST_GPU is a number of the machine, or one in a list of CUDA_VISIBLE_DEVICES', () => {
  const chosen = (env: NodeJS.ProcessEnv) => {
    chooseGpu(env);
    return env.CUDA_VISIBLE_DEVICES;
  };
  assert.equal(chosen({ GIST_GPU: '1' }), '1');
  assert.equal(chosen({ GIST_GPU: '1', CUDA_VISIBLE_DEVICES: '3' }), '3');
  assert.equal(chosen({ GIST_GPU: '1', CUDA_VISIBLE_DEVICES: '4,6' }), '6');
  assert.equal(chosen({ GIST_GPU: '2', CUDA_VISIBLE_DEVICES: '4,6' }), '-1', 'none rather than a wrong one');
  assert.equal(chosen({ CUDA_VISIBLE_DEVICES: '4,6' }), '4,6', 'for the official trainer on several');
  assert.equal(chosen({}), undefined);
});
