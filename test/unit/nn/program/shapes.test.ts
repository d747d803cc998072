/**
 * The shapes that recording infers are those that TensorFlow computes, operation by operation, in
 * every kind of training step.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Tensor, TensorInfo } from '@tensorflow/tfjs';
import { resolveAugmentation } from '../../../../src/gan/augment/options.js';
import { type NetworkFamily, resolveNetworkConfig } from '../../../../src/gan/config.js';
import { resolveTrainingOptions } from '../../../../src/gan/loss/options.js';
import { buildTrainingProgram } from '../../../../src/gan/loss/training-program.js';
import { FILTER_FORMS, withDeviceForm, withFilterForm } from '../../../../src/nn/ops/device-forms.js';
import { inferOutputs, type KnownTensor } from '../../../../src/nn/program/shapes.js';
import { nativeBackend, type OpAttribute, tf } from '../../../../src/nn/tensorflow.js';

/** Tensors of integers up to this size may decide a shape. */
const SHAPE_VALUES = 64;

const backend = nativeBackend();
const execute = {
  one: backend.executeSingleOutput.bind(backend),
  many: backend.executeMultipleOutputs.bind(backend),
};

/**
 * Runs `body` op by op and compares each operation's outputs with what is inferred. @returns the
 * operations seen
 */
function compareShapes(body: () => void): Set<string> {
  const seen = new Set<string>();
  const check = (op: string, attrs: OpAttribute[], inputs: TensorInfo[], outputs: Tensor[]) => {
    seen.add(op);
    const known = inputs.map((input): KnownTensor => {
      const size = input.shape.reduce((product, length) => product * length, 1);
      const isSmall = size <= SHAPE_VALUES && input.dtype !== 'bool';
      const values = isSmall ? (backend.readSync(input.dataId) as Float32Array) : undefined;
      return { shape: input.shape, dtype: input.dtype, values };
    });
    const inferred = inferOutputs(op, attrs, known);
    const computed = outputs.map(({ shape, dtype }) => ({ shape, dtype }));
    assert.deepEqual(inferred, computed, op);
  };
  backend.executeSingleOutput = (op, attrs, inputs) => {
    const output = execute.one(op, attrs, inputs);
    check(op, attrs, inputs, [output]);
    return output;
  };
  backend.executeMultipleOutputs = (op, attrs, inputs, count) => {
    const outputs = execute.many(op, attrs, inputs, count);
    check(op, attrs, inputs, outputs);
    return outputs;
  };
  try {
    tf.tidy(body);
  } finally {
    Object.assign(backend, { executeSingleOutput: execute.one, executeMultipleOutputs: execute.many });
  }
  return seen;
}

const CASES: { cfg: NetworkFamily; channels: 1 | 3; batchGpu: number }[] = [
  { cfg: 'stylegan2', channels: 1, batchGpu: 4 },
  { cfg: 'stylegan2', channels: 3, batchGpu: 2 },
  { cfg: 'stylegan3-t', channels: 1, batchGpu: 4 },
  { cfg: 'stylegan3-r', channels: 3, batchGpu: 2 },
];

for (const { cfg, channels, batchGpu } of CASES) {
  test(`${cfg}, ${channels} channels, micro-batches of ${batchGpu}: inferred shapes are the computed ones`, () => {
    const sizes = {
      resolution: 16,
      channels,
      classes: 2,
      zDim: 8,
      wDim: 8,
      mapDepth: 2,
      cbase: 128,
      cmax: 8,
    };
    const config = resolveNetworkConfig({ cfg, ...sizes });
    const augPipe = channels === 3 ? 'bgcfnc' : 'medical';
    const ada = { aug: 'ada', augPipe, target: 0.6, p: 0, adaKimg: 1 } as const;
    const rates = { gamma: 1, glr: 'auto', dlr: 'auto', emaKimg: 'auto', seed: 0 } as const;
    const options = resolveTrainingOptions(
      config,
      { batch: 4, batchGpu, ...rates },
      resolveAugmentation(channels, ada),
    );
    const { definition } = buildTrainingProgram(config, options);
    for (const form of FILTER_FORMS) {
      const seen = compareShapes(() => {
        for (const { feeds, body } of Object.values(definition.phases)) {
          const variables = Object.entries(definition.variables).map(([name, { shape }]) => [
            name,
            tf.ones([...shape]),
          ]);
          const fed = Object.entries(feeds).map(([name, { shape, dtype }]) => [
            name,
            name === 'rows' ? tf.range(0, shape[0] ?? 1, 1, 'int32') : tf.ones([...shape], dtype),
          ]);
          withDeviceForm(form === 'phases' ? 'cpu' : 'gpu', () =>
            withFilterForm(form, () => body(Object.fromEntries(variables), Object.fromEntries(fed))),
          );
        }
      });
      assert.ok(seen.size > 30, [...seen].join(' '));
    }
  });
}

test('an operation without a rule is named', () => {
  assert.throws(() => inferOutputs('Qr', [], []), /operation Qr has no rule/);
});
