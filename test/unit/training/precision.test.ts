/** Tests of what `train.precision` and `train.xla` amount to. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SpecError } from '../../../src/core/errors.js';
import { differences, numericEnvironment } from '../../../src/training/numeric-environment.js';
import { resolvePrecision } from '../../../src/training/precision.js';
import { resolveXla, xlaVariables } from '../../../src/training/xla.js';

const graph = { mode: 'graph', precision: 'auto' } as const;

function checkpoint(network: Record<string, string | null>) {
  return { configuration: { network, training: {}, dataset: 'd' } };
}

test('by default a training starts in half precision on a GPU and in single precision on a CPU', () => {
  assert.equal(resolvePrecision(graph, true, null), 'float16');
  assert.equal(resolvePrecision(graph, false, null), null);
  assert.equal(resolvePrecision({ ...graph, mode: 'eager' }, true, null), null);
});

test('by default a training resumes in the precision that it started with, on any machine', () => {
  assert.equal(resolvePrecision(graph, false, checkpoint({ half: 'float16' })), 'float16');
  assert.equal(resolvePrecision(graph, true, checkpoint({ half: null })), null);
  assert.equal(resolvePrecision(graph, true, checkpoint({})), null, 'of an earlier version');
});

test('an explicit precision is used', () => {
  assert.equal(resolvePrecision({ ...graph, precision: 'bfloat16' }, false, null), 'bfloat16');
  assert.equal(resolvePrecision({ ...graph, precision: 'float32' }, true, checkpoint({})), null);
});

test('half precision op by op is refused', () => {
  assert.throws(
    () => resolvePrecision({ mode: 'eager', precision: 'float16' }, true, null),
    (error) => error instanceof SpecError && error.where === 'train.precision',
  );
});

test("XLA is off by default; on a GPU it finds CUDA's device library", () => {
  const before = process.env.GIST_TENSORFLOW;
  try {
    process.env.GIST_TENSORFLOW = 'cpu';
    assert.equal(resolveXla('auto'), false);
    assert.deepEqual(xlaVariables('auto'), {});
    assert.match(xlaVariables(true).TF_XLA_FLAGS ?? '', /--tf_xla_cpu_global_jit/);
    process.env.GIST_TENSORFLOW = 'cuda';
    assert.equal(resolveXla('auto'), false);
    assert.equal(xlaVariables(true).TF_XLA_FLAGS, '--tf_xla_auto_jit=2');
    const flags = /^--xla_gpu_cuda_data_dir=.*nvidia\/cuda_nvcc/;
    assert.match(xlaVariables(true).XLA_FLAGS ?? '', flags);
    assert.match(xlaVariables(true).XLA_FLAGS ?? '', / --xla_gpu_enable_triton_gemm=false$/);
    assert.doesNotMatch(xlaVariables(true, true).XLA_FLAGS ?? '', /triton/, 'TF32 is allowed');
    assert.deepEqual(xlaVariables(false), {});
  } finally {
    if (before === undefined) delete process.env.GIST_TENSORFLOW;
    else process.env.GIST_TENSORFLOW = before;
  }
});

test('a checkpoint made with XLA differs from a training without, one of an earlier version does not', () => {
  const of = (xla: boolean) =>
    numericEnvironment({ threads: 1, mode: 'graph', xla, tf32: false }, 'tensorflow');
  assert.deepEqual(differences(of(true), of(false)), ['xla']);
  assert.deepEqual(differences(of(false), of(true)), ['xla']);
  assert.deepEqual(differences(of(false), of(false)), []);
});

test('another compiled step or another setting of the library is reported, unless the checkpoint is of an earlier version without them', () => {
  const of = (graph: string) =>
    numericEnvironment({ threads: 1, mode: 'graph', xla: false, tf32: false }, 'tensorflow', graph);
  const { graph: _graph, variables: _variables, ...before } = of('a');
  assert.deepEqual(differences(of('a'), of('a')), []);
  assert.deepEqual(differences(of('a'), of('b')), ['graph']);
  assert.deepEqual(differences(of('a'), { ...of('a'), variables: { TF_ENABLE_ONEDNN_OPTS: '0' } }), [
    'variables',
  ]);
  assert.deepEqual(differences(before, of('a')), []);
});

test('another card is reported, and the folder of the library is not a difference', (t) => {
  t.after(() => delete process.env.XLA_FLAGS);
  const of = (name: string, folder: string) => {
    process.env.XLA_FLAGS = `--xla_gpu_cuda_data_dir=${folder} --xla_gpu_enable_triton_gemm=false`;
    const train = { threads: 1, mode: 'graph', xla: true, tf32: false } as const;
    return numericEnvironment(train, 'tensorflow', null, { name, driver: '580.65' });
  };
  assert.deepEqual(differences(of('A100', '/a'), of('H200', '/a')), ['card']);
  assert.deepEqual(differences(of('A100', '/a'), of('A100', '/b')), []);
});

test('a checkpoint made with TF32 differs from a training in full precision', () => {
  const of = (tf32: boolean) =>
    numericEnvironment({ threads: 1, mode: 'graph', xla: false, tf32 }, 'tensorflow');
  assert.deepEqual(differences(of(true), of(false)), ['tf32']);
  assert.deepEqual(differences(of(false), of(false)), []);
});
