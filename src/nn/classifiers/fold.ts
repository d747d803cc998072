/** Folds a batch norm into the convolution before it. */
import type { NamedTensor } from '../formats/safetensors.js';
import type { VariableSpec } from '../program/program.js';

/** Parameters of a batch norm: [outputs] each. */
export interface BatchNorm {
  weight: Float32Array;
  bias: Float32Array;
  mean: Float32Array;
  variance: Float32Array;
  epsilon: number;
}

/**
 * @param weight [outputs, inputs, height, width]
 * @returns the kernel [height, width, inputs, outputs], and the bias
 */
export function foldBatchNorm(
  { shape, data }: NamedTensor,
  norm: BatchNorm,
): { kernel: VariableSpec; bias: VariableSpec } {
  const outputs = shape[0] as number;
  const scale = Float64Array.from(
    { length: outputs },
    (_, o) => (norm.weight[o] as number) / Math.sqrt((norm.variance[o] as number) + norm.epsilon),
  );
  const bias = Float32Array.from(
    scale,
    (value, o) => (norm.bias[o] as number) - (norm.mean[o] as number) * value,
  );
  return { kernel: channelsLastKernel({ shape, data }, scale), bias: { shape: [outputs], init: bias } };
}

/** A kernel [outputs, inputs, height, width] as [height, width, inputs, outputs], scaled. */
export function channelsLastKernel({ shape, data }: NamedTensor, scale?: Float64Array): VariableSpec {
  const [outputs, inputs, height, width] = shape as [number, number, number, number];
  const area = height * width;
  const kernel = new Float32Array(data.length);
  for (let o = 0; o < outputs; o++) {
    const factor = scale?.[o] ?? 1;
    for (let i = 0; i < inputs; i++) {
      for (let at = 0; at < area; at++)
        kernel[(at * inputs + i) * outputs + o] = (data[(o * inputs + i) * area + at] as number) * factor;
    }
  }
  return { shape: [height, width, inputs, outputs], init: kernel };
}
