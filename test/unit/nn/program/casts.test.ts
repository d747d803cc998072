/** Tests of the casts that are inserted into a recorded graph. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Tensor } from '@tensorflow/tfjs';
import { insertCasts } from '../../../../src/nn/program/casts.js';
import { toFloat, toHalf } from '../../../../src/nn/ops/half.js';
import { createProgram } from '../../../../src/nn/program/program.js';
import { type RecordedOp, record } from '../../../../src/nn/program/recording.js';
import { tf } from '../../../../src/nn/tensorflow.js';

const FLOAT16 = 19;
const FLOAT32 = 1;

function typed(body: (x: Tensor, y: Tensor) => Tensor): { ops: RecordedOp[]; recorded: RecordedOp[] } {
  const input = (node: string) => ({ node, shape: [2, 3], dtype: 'float32' }) as const;
  const { recording } = record('test', { x: input('x'), y: input('y') }, ({ x, y }) =>
    body(x as Tensor, y as Tensor),
  );
  return { ops: insertCasts(recording.ops, recording.constants), recorded: recording.ops };
}

/** Operations in order, each with the floating-point types of its attributes. */
function types(ops: RecordedOp[]): string[] {
  return ops.map(({ op, attrs }) => {
    const own = attrs.map(({ value }) => value).filter((value) => value === FLOAT16 || value === FLOAT32);
    return [op, ...own].join(' ');
  });
}

test('a graph without conversions does not change', () => {
  const { ops, recorded } = typed((x, y) => tf.sum(tf.mul(x, tf.add(y, 1))));
  assert.deepEqual(ops, recorded);
});

test('all operations between the conversions are in half precision, including constants', () => {
  const { ops } = typed((x, y) => {
    const half = tf.mul(tf.add(toHalf(x, 'float16'), 1), toHalf(y, 'float16'));
    return tf.add(toFloat(half, 'float16'), y);
  });
  assert.deepEqual(types(ops), [
    'Cast 1 19',
    'Cast 1 19',
    'Add 19',
    'Cast 1 19',
    'Mul 19',
    'Cast 19 1',
    'Add 1',
  ]);
});

test('sums over many terms are taken in single precision', () => {
  const { ops } = typed((x) => tf.add(tf.sum(toHalf(x, 'float16')), 1));
  assert.deepEqual(types(ops).slice(1, 4), ['Cast 19 1', 'Sum 1', 'Cast 1 19']);
});

test('an operation with inputs of both precisions is refused, with its name', () => {
  assert.throws(
    () => typed((x, y) => tf.add(toHalf(x, 'float16'), y)),
    /test\/Add_\d+: single and half precision meet in Add; convert one of them/,
  );
});

test('half precision rounds a number, and its gradient is in single precision', async () => {
  const body = ({ x }: Record<string, Tensor>) => {
    const through = (value: Tensor) => toFloat(tf.mul(toHalf(value, 'float16'), 3), 'float16');
    return { outputs: { y: through(x as Tensor), dx: tf.grad(through)(x as Tensor) } };
  };
  const phase = { feeds: {}, body };
  const program = await createProgram(
    { variables: { x: { shape: [1], init: 0.1 } }, phases: { phase } },
    { mode: 'graph' },
  );
  const { y, dx } = await program.run('phase', {});
  program.dispose();
  // In float16 0.1 is 1638 / 2^14; three times that, 1228.5 / 2^12, is rounded to even.
  assert.equal(y?.[0], 1228 / 2 ** 12);
  assert.equal(dx?.[0], 3);
});
