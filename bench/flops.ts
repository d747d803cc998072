/**
 * Counts the floating-point operations of convolutions and matrix products in the phases of a
 * program.
 */
import type { Tensor, TensorInfo } from '@tensorflow/tfjs';
import { sizeOf } from '../src/nn/program/definition.js';
import type { ProgramDefinition } from '../src/nn/program/program.js';
import { record } from '../src/nn/program/recording.js';
import { type NativeBackend, type OpAttribute, tf } from '../src/nn/tensorflow.js';

const side = (tensors: readonly TensorInfo[], which: number) => (tensors[which] as TensorInfo).shape;

/** Multiplications and additions of one operation; 0 for memory-bound operations. */
function flopsOf(
  op: string,
  attributes: readonly OpAttribute[],
  inputs: TensorInfo[],
  output: Tensor,
): number {
  if (op === 'Conv2D' || op === 'DepthwiseConv2dNative') {
    const [height, width, channels] = side(inputs, 1) as [number, number, number];
    return 2 * output.size * height * width * (op === 'Conv2D' ? channels : 1);
  }
  if (op === 'Conv2DBackpropInput') {
    const [height, width, channels] = side(inputs, 1) as [number, number, number];
    return 2 * sizeOf(side(inputs, 2)) * height * width * channels;
  }
  if (op === 'Conv2DBackpropFilter') {
    const [height, width, channels] = output.shape as [number, number, number];
    return 2 * sizeOf(side(inputs, 2)) * height * width * channels;
  }
  if (op === 'MatMul' || op === 'BatchMatMul' || op === 'BatchMatMulV2') {
    const isTransposed = attributes.some(
      ({ name, value }) => (name === 'adj_x' || name === 'transpose_a') && value,
    );
    const left = side(inputs, 0);
    return 2 * output.size * (left.at(isTransposed ? -2 : -1) as number);
  }
  return 0;
}

/** Floating-point operations of one run of each phase, counted while the phase is recorded. */
export function countFlops({ variables, phases }: ProgramDefinition): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [name, { feeds, body }] of Object.entries(phases)) {
    const inputs = Object.fromEntries([
      ...Object.entries(variables).map(
        ([key, { shape }]) => [`v:${key}`, { node: key, shape, dtype: 'float32' as const }] as const,
      ),
      ...Object.entries(feeds).map(([key, feed]) => [`f:${key}`, { node: key, ...feed }] as const),
    ]);
    record('flops', inputs, (tensors) => {
      const under = (prefix: string) =>
        Object.fromEntries(
          Object.entries(tensors).flatMap(([key, tensor]) =>
            key.startsWith(prefix) ? [[key.slice(prefix.length), tensor]] : [],
          ),
        );
      counts[name] = countDuring(() => body(under('v:'), under('f:')));
    });
  }
  return counts;
}

function countDuring(run: () => unknown): number {
  const backend = tf.backend() as NativeBackend;
  const execute = backend.executeSingleOutput;
  let total = 0;
  backend.executeSingleOutput = function (op, attributes, inputs) {
    const output = execute.call(this, op, attributes, inputs);
    total += flopsOf(op, attributes, inputs, output);
    return output;
  };
  try {
    run();
    return total;
  } finally {
    backend.executeSingleOutput = execute;
  }
}

/** Floating-point operations per second of a large matrix product: the best of several runs. */
export function matmulRate(size = 2048, runs = 8): number {
  return tf.tidy(() => {
    const [a, b] = [tf.randomNormal([size, size]), tf.randomNormal([size, size])];
    let best = Number.POSITIVE_INFINITY;
    for (let i = 0; i < runs; i++) {
      const started = performance.now();
      tf.slice(tf.matMul(a, b), [0, 0], [1, 1]).dataSync();
      best = Math.min(best, performance.now() - started);
    }
    return (2 * size ** 3 * 1000) / best;
  });
}
