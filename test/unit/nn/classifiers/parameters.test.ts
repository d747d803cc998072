/** Parameters of classifier networks: published names and shapes, and refused state dicts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CheckpointError } from '../../../../src/core/errors.js';
import {
  checkedState,
  CLASSIFIERS,
  parameterShapes,
  stateDifference,
} from '../../../../src/nn/classifiers/index.js';
import { formulaState } from '../../../support/formula-weights.js';

/** Trainable parameters without batch norm statistics, as torchvision documents them. */
const DOCUMENTED = {
  resnet50: 25_557_032,
  resnet101: 44_549_160,
  vgg16: 138_357_544,
  vgg19: 143_667_240,
} as const;

for (const [name, count] of Object.entries(DOCUMENTED)) {
  test(`${name} has the documented number of parameters`, () => {
    const shapes = Object.entries(parameterShapes(CLASSIFIERS[name as keyof typeof DOCUMENTED]));
    const own = shapes.filter(([parameter]) => !parameter.includes('.running_'));
    const sizes = own.map(([, shape]) => shape.reduce((product, side) => product * side, 1));
    assert.equal(
      sizes.reduce((sum, size) => sum + size, 0),
      count,
    );
  });
}

test('every other network is told apart by its parameters', () => {
  for (const [name, classifier] of Object.entries(CLASSIFIERS)) {
    const shapes = parameterShapes(classifier);
    const state = Object.fromEntries(Object.entries(shapes).map(([key, shape]) => [key, { shape }]));
    for (const [other, candidate] of Object.entries(CLASSIFIERS))
      assert.equal(stateDifference(candidate, state) === null, name === other, `${name} as ${other}`);
  }
});

test('a missing, unknown, wrong-sized or non-finite parameter is refused by its name', () => {
  const { resnet50 } = CLASSIFIERS;
  const state = formulaState(resnet50, 1);
  const counter = { shape: [], data: Float32Array.of(1) };
  assert.equal(
    Object.keys(checkedState(resnet50, { ...state, 'bn1.num_batches_tracked': counter }, 'f')).length,
    Object.keys(state).length,
  );
  const { 'fc.bias': bias, ...without } = state;
  const refused = (changed: typeof state, pattern: RegExp) =>
    assert.throws(
      () => checkedState(resnet50, changed, 'file.pth'),
      (error) => error instanceof CheckpointError && pattern.test(error.message),
    );
  refused(without, /fc\.bias is missing/);
  refused({ ...state, extra: counter }, /extra is unknown/);
  refused({ ...state, 'fc.bias': counter }, /fc\.bias has the shape \[\] instead of \[1000\]/);
  const nan = { shape: bias?.shape ?? [], data: new Float32Array(1000).fill(Number.NaN) };
  refused({ ...state, 'fc.bias': nan }, /fc\.bias that are not finite/);
});
