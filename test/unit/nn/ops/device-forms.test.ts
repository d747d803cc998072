/**
 * Tests that the forms for a CPU and for a GPU compute the same: values, gradients, and gradients
 * of gradients.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Tensor, Tensor4D } from '@tensorflow/tfjs';
import {
  deviceForm,
  type DeviceForm,
  FILTER_FORMS,
  withDeviceForm,
  withFilterForm,
} from '../../../../src/nn/ops/device-forms.js';
import { biasAct } from '../../../../src/nn/ops/bias-act.js';
import { conv2d, convTranspose2d } from '../../../../src/nn/ops/conv.js';
import { filter2d, filterPlane } from '../../../../src/nn/ops/upfirdn2d.js';
import {
  filteredActivation,
  type Downsampling,
  type Upsampling,
} from '../../../../src/nn/ops/filtered-activation.js';
import { record } from '../../../../src/nn/program/recording.js';
import { tf, usesGpu } from '../../../../src/nn/tensorflow.js';

const SHORT = [1, 3, 3, 1];
const LONG = [-1, 2, 5, 9, 11, 12, 10, 7, 4, 3, -2, 1];
const PLANE = Array.from({ length: 36 }, (_, i) => Math.sin(i) / 9);

const UP: Upsampling = { factor: 2, taps: LONG, padding: [8, 7] };
const DOWN: Downsampling = { factor: 2, taps: LONG, isPlane: false };
const lrelu = (x: Tensor4D) => biasAct(x, null, 'lrelu') as Tensor4D;

type Operation = (x: Tensor4D, w: Tensor4D) => Tensor4D;

const OPERATIONS: Record<string, Operation> = {
  'twice the size, 4 taps': (x) => filter2d(x, SHORT, { up: 2, padding: [2, 1], gain: 4 }),
  'twice the size, 12 taps': (x) => filter2d(x, LONG, { up: 2, padding: [6, 5], gain: 4 }),
  'four times the size, cropped': (x) => filter2d(x, LONG, { up: 4, padding: [-2, 3], gain: 16 }),
  'half the size, 12 taps': (x) => filter2d(x, LONG, { down: 2, padding: [5, 5] }),
  'a filter alone, cropped': (x) => filter2d(x, SHORT, { padding: [-1, 2] }),
  'a filter of 12 taps alone': (x) => filter2d(x, LONG, { padding: [6, 5] }),
  'three halves of the size': (x) => filter2d(x, LONG, { up: 3, down: 2, padding: [4, 6], gain: 9 }),
  'a filter that is not separable, half the size': (x) => filterPlane(x, PLANE, { down: 2 }),
  'a filtered nonlinearity': (x) => filteredActivation(x, UP, lrelu, DOWN),
  'a filtered nonlinearity to twice the size, cropped': (x) =>
    filteredActivation(x, { factor: 4, taps: LONG, padding: [-7, -8] }, lrelu, DOWN),
  'a filtered nonlinearity to half the size': (x) => filteredActivation(x, UP, lrelu, { ...DOWN, factor: 4 }),
  'a filtered nonlinearity, narrowed by a filter that is not separable': (x) =>
    filteredActivation(x, UP, lrelu, { factor: 2, taps: PLANE, isPlane: true }),
  'a filtered nonlinearity whose phases have unequal shares of the taps': (x) =>
    filteredActivation(x, { factor: 4, taps: LONG.slice(0, 5), padding: [3, -2] }, lrelu, {
      ...DOWN,
      taps: LONG.slice(0, 3),
    }),
  'a 3x3 convolution, by its filter too': (x, w) => conv2d(x, w, { stride: 1, padding: 1 }),
  'a 3x3 convolution without padding': (x, w) => conv2d(x, w, { stride: 1, padding: 0 }),
  'a 3x3 convolution to half the size': (x, w) => conv2d(x, w, { stride: 2, padding: 0 }),
  'a 3x3 convolution to twice the size': (x, w) =>
    convTranspose2d(tf.slice(x, [0, 0, 0, 0], [2, 48, 50, 4]) as Tensor4D, w, { stride: 2 }),
  'a 3x1 convolution': (x, w) =>
    conv2d(x, tf.slice(w, [0, 1, 0, 0], [3, 1, 16, 4]) as Tensor4D, { stride: 1, padding: 0 }),
  'a 3x3 convolution to a larger picture of 16 channels': (x, w) =>
    convTranspose2d(tf.slice(x, [0, 0, 0, 0], [2, 48, 50, 4]) as Tensor4D, w, { stride: 1 }),
};

/**
 * The value, what a sum of its weighted squares gives back to x and w, and the same of the squares
 * of that.
 */
function derivatives(operation: Operation, x: Tensor4D, w: Tensor4D): Tensor[] {
  const y = operation(x, w);
  const weights = tf.randomNormal(y.shape, 0, 1, 'float32', 5);
  // The last term depends on w for operations that do not.
  const loss = (a: Tensor, b: Tensor) =>
    tf.add(
      tf.sum(tf.mul(tf.square(operation(a as Tensor4D, b as Tensor4D)), weights)),
      tf.sum(tf.mul(tf.mean(tf.square(a)), tf.square(b))),
    );
  const squares = (a: Tensor, b: Tensor) => {
    const [da, db] = tf.grads(loss)([a, b]) as [Tensor, Tensor];
    return tf.add(tf.sum(tf.square(da)), tf.sum(tf.square(db)));
  };
  return [y, ...tf.grads(loss)([x, w]), ...tf.grads(squares)([x, w])];
}

for (const [name, operation] of Object.entries(OPERATIONS)) {
  test(`${name}: both forms agree in values, gradients and their gradients`, () => {
    tf.tidy(() => {
      // More than 16 pixels, and 16 channels: from there on the gradient of a filter has a form of
      // its own on a CPU.
      const x = tf.randomNormal([2, 48, 50, 16], 0, 1, 'float32', 1) as Tensor4D;
      const w = tf.randomNormal([3, 3, 16, 4], 0, 1, 'float32', 2) as Tensor4D;
      const [cpu, gpu] = (['cpu', 'gpu'] as DeviceForm[]).map((form) =>
        withDeviceForm(form, () => derivatives(operation, x, w)),
      ) as [Tensor[], Tensor[]];
      assertClose(gpu, cpu);
    });
  });
}

function assertClose(found: readonly Tensor[], expected: readonly Tensor[]): void {
  for (const [i, wanted] of expected.entries()) {
    const own = found[i] as Tensor;
    assert.deepEqual(own.shape, wanted.shape);
    const error = tf.max(tf.abs(tf.sub(own, wanted))).dataSync()[0] as number;
    const scale = tf.max(tf.abs(wanted)).dataSync()[0] as number;
    assert.ok(error <= 1e-5 * Math.max(1, scale), `tensor ${i}: off by ${error} of ${scale}`);
  }
}

const FILTERS = Object.entries(OPERATIONS).filter(([name]) => !name.includes('convolution'));

for (const [name, operation] of FILTERS) {
  test(`${name}: all forms of filters agree in values, gradients and their gradients`, () => {
    tf.tidy(() => {
      const x = tf.randomNormal([2, 17, 12, 3], 0, 1, 'float32', 1) as Tensor4D;
      const w = tf.randomNormal([3, 3, 3, 4], 0, 1, 'float32', 2) as Tensor4D;
      const [first, ...others] = FILTER_FORMS.map((form) =>
        withFilterForm(form, () => derivatives(operation, x, w)),
      );
      for (const other of others) assertClose(other, first as Tensor[]);
    });
  });
}

/** Operations of `body` on inputs of these shapes, in one form. */
function opsIn(
  form: DeviceForm,
  shapes: Record<string, readonly number[]>,
  body: (tensors: Record<string, Tensor>) => Tensor,
): string[] {
  const inputs = Object.fromEntries(
    Object.entries(shapes).map(([node, shape]) => [node, { node, shape, dtype: 'float32' as const }]),
  );
  const { recording } = record('test', inputs, (tensors) => withDeviceForm(form, () => body(tensors)));
  return recording.ops.map(({ op }) => op);
}

test('a filter uses polyphase depthwise convolutions on a CPU and matrix products on a GPU', () => {
  const counts = (form: DeviceForm) => {
    const ops = opsIn(form, { x: [1, 32, 32, 2] }, ({ x }) =>
      filter2d(x as Tensor4D, LONG, { up: 2, padding: [6, 5], gain: 4 }),
    );
    const count = (expected: string) => ops.filter((op) => op === expected).length;
    return {
      convolutions: count('DepthwiseConv2dNative'),
      products: count('BatchMatMulV2'),
      pads: count('PadV2'),
    };
  };
  assert.deepEqual(counts('cpu'), { convolutions: 4, products: 0, pads: 0 });
  assert.deepEqual(counts('gpu'), { convolutions: 0, products: 2, pads: 0 });
});

test('on a CPU the phases of a filtered nonlinearity are never interleaved', () => {
  const ops = opsIn('cpu', { x: [1, 16, 16, 2] }, ({ x }) =>
    filteredActivation(x as Tensor4D, UP, lrelu, DOWN),
  );
  assert.equal(ops.filter((op) => op === 'LeakyRelu').length, 4);
  assert.ok(!ops.some((op) => /Concat|Slice|Pad/.test(op)), ops.join(' '));
});

test('the gradient of a filter uses matrix products on a CPU and the kernel of the library on a GPU', () => {
  const shapes = { x: [1, 33, 33, 16], w: [3, 3, 16, 16] };
  const gradientOf = (y: (x: Tensor4D, w: Tensor4D) => Tensor4D) => (form: DeviceForm) =>
    opsIn(form, shapes, ({ x, w }) => tf.grad((z) => tf.sum(y(x as Tensor4D, z as Tensor4D)))(w as Tensor));
  const isProduct = (op: string) => op.startsWith('BatchMatMul');
  for (const opsOf of [
    gradientOf((x, w) => conv2d(x, w, { stride: 1, padding: 1 })),
    gradientOf((x, w) => conv2d(x, w, { stride: 2, padding: 0 })),
    gradientOf((x, w) => convTranspose2d(x, w, { stride: 1 })),
    gradientOf((x, w) => convTranspose2d(x, w, { stride: 2 })),
  ]) {
    const [cpu, gpu] = [opsOf('cpu'), opsOf('gpu')];
    assert.ok(cpu.some(isProduct) && !cpu.includes('Conv2DBackpropFilter'));
    assert.ok(!gpu.some(isProduct) && gpu.includes('Conv2DBackpropFilter'));
  }
});

test('the device selects the form, and an override ends with its code', () => {
  const own = usesGpu() ? 'gpu' : 'cpu';
  assert.equal(deviceForm(), own);
  assert.throws(() => withDeviceForm('gpu', () => assert.equal(deviceForm(), 'cpu')));
  assert.equal(deviceForm(), own);
});
