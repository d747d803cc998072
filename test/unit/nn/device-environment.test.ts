/** What TensorFlow and CUDA are told before they are loaded, as a process of ours sees it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';

const MODULE = path.resolve('dist/src/nn/device-environment.js');
const NAMES = ['NVIDIA_TF32_OVERRIDE', 'TF_FORCE_GPU_ALLOW_GROWTH', 'CUDA_CACHE_PATH', 'CUDA_CACHE_MAXSIZE'];

function environmentAfter(call: string, given: Record<string, string> = {}): Record<string, string> {
  const code = `const { setDeviceEnvironment } = await import(${JSON.stringify(MODULE)}); ${call};
    console.log(JSON.stringify(Object.fromEntries(${JSON.stringify(NAMES)}.map((name) => [name, process.env[name]]))));`;
  const env = { PATH: process.env.PATH ?? '', HOME: '/home/somebody', ...given };
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', code], { env, encoding: 'utf8' });
  return JSON.parse(out) as Record<string, string>;
}

test('by default products have full precision, GPU memory is allocated as needed, and compiled kernels are cached', () => {
  assert.deepEqual(environmentAfter('setDeviceEnvironment()'), {
    NVIDIA_TF32_OVERRIDE: '0',
    TF_FORCE_GPU_ALLOW_GROWTH: 'true',
    CUDA_CACHE_PATH: '/home/somebody/.cache/gist/cuda-kernels',
    CUDA_CACHE_MAXSIZE: String(2 ** 32),
  });
});

test('a request for TF32 is kept when the environment is set again', () => {
  const env = environmentAfter('setDeviceEnvironment({ tf32: true }); setDeviceEnvironment()');
  assert.equal(env.NVIDIA_TF32_OVERRIDE, '1');
});

test("the user's variables for memory and cache have precedence, but the one for precision does not", () => {
  const given = {
    NVIDIA_TF32_OVERRIDE: '1',
    TF_FORCE_GPU_ALLOW_GROWTH: 'false',
    CUDA_CACHE_PATH: '/scratch',
  };
  const env = environmentAfter('setDeviceEnvironment()', given);
  assert.equal(env.NVIDIA_TF32_OVERRIDE, '0');
  assert.equal(env.TF_FORCE_GPU_ALLOW_GROWTH, 'false');
  assert.equal(env.CUDA_CACHE_PATH, '/scratch');
});
