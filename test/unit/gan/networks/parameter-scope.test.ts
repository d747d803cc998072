/** Tests of parameters and their specifications under the names of scopes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ParameterScope } from '../../../../src/gan/networks/parameter-scope.js';
import { constant, parameter, scoped } from '../../../../src/gan/networks/parameters.js';
import { tf } from '../../../../src/nn/tensorflow.js';

test('a nested scope takes the tensors whose names begin with its path', () => {
  const [weight, other] = [tf.scalar(1), tf.scalar(2)];
  const generator = new ParameterScope({ 'G.b8.conv0.weight': weight, 'D.b8.conv0.weight': other }, 'G');
  const layer = generator.scope('b8').scope('conv0');
  assert.equal(layer.take('weight'), weight);
  assert.equal(generator.take('b8.conv0.weight'), weight);
  assert.equal(layer.fullName('bias'), 'G.b8.conv0.bias');
});

test('a tensor that a scope does not have is refused with its full name', () => {
  const layer = new ParameterScope({}, 'G').scope('b8');
  assert.throws(() => layer.take('bias'), { name: 'RangeError', message: 'no parameter named G.b8.bias' });
});

test('specifications of nested scopes have the names that nested scopes take', () => {
  const bias = parameter([2], constant(0));
  assert.deepEqual(scoped('synthesis', scoped('b8', { bias })), { 'synthesis.b8.bias': bias });
});
