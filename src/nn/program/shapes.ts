/** Infers the shapes and types of the outputs of operations, since recording computes nothing. */
import type { DataType } from '@tensorflow/tfjs';
import type { OpAttribute } from '../tensorflow.js';
import { sizeOf } from './definition.js';

/** What is known of a tensor while a program is recorded. */
export interface KnownTensor {
  shape: readonly number[];
  dtype: DataType;
  /** undefined for a tensor that only a run computes. */
  values: ArrayLike<number> | undefined;
}

export type InferredTensor = Pick<KnownTensor, 'shape' | 'dtype'>;

type Attributes = (name: string) => unknown;
type Rule = (inputs: readonly KnownTensor[], attributes: Attributes) => InferredTensor | InferredTensor[];

/**
 * @throws RangeError for an operation without a rule, or one whose shape depends on computed values
 */
export function inferOutputs(
  op: string,
  attrs: readonly OpAttribute[],
  inputs: readonly KnownTensor[],
): InferredTensor[] {
  const rule = RULES[op];
  if (!rule) throw new RangeError(`operation ${op} has no rule for its shape (nn/program/shapes.ts)`);
  const outputs = rule(inputs, (name) => attrs.find((attr) => attr.name === name)?.value);
  return Array.isArray(outputs) ? outputs : [outputs];
}

function at(inputs: readonly KnownTensor[], index: number): KnownTensor {
  const input = inputs[index];
  if (!input) throw new RangeError(`an operation lacks its input ${index}`);
  return input;
}

/** Values of an input that determines a shape. */
function values(inputs: readonly KnownTensor[], index: number): number[] {
  const known = at(inputs, index).values;
  if (!known) throw new RangeError('a shape depends on a value that is not known while recording');
  return Array.from(known);
}

function value(inputs: readonly KnownTensor[], index: number): number {
  return values(inputs, index)[0] ?? 0;
}

/** An axis counted from 0, also where it is given from the end. */
const fromStart = (axis: number, rank: number) => (axis < 0 ? axis + rank : axis);

/** NumPy's broadcasting. */
function broadcast(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const [x, y] = [a[i - rank + a.length] ?? 1, b[i - rank + b.length] ?? 1];
    if (x !== y && x !== 1 && y !== 1) throw new RangeError(`shapes [${a}] and [${b}] do not broadcast`);
    return x === 1 ? y : x;
  });
}

const same: Rule = ([x]) => ({ shape: x?.shape ?? [], dtype: x?.dtype ?? 'float32' });

const binary: Rule = (inputs) => ({
  shape: broadcast(at(inputs, 0).shape, at(inputs, 1).shape),
  dtype: at(inputs, 0).dtype,
});

const comparison: Rule = (inputs, attributes) => ({ ...one(binary(inputs, attributes)), dtype: 'bool' });

function one(outputs: InferredTensor | InferredTensor[]): InferredTensor {
  return Array.isArray(outputs) ? (outputs[0] as InferredTensor) : outputs;
}

const reduction: Rule = (inputs, attributes) => {
  const { shape, dtype } = at(inputs, 0);
  const axes = values(inputs, 1).map((axis) => fromStart(axis, shape.length));
  const kept = attributes('keep_dims') === true;
  const reduced = kept
    ? shape.map((length, axis) => (axes.includes(axis) ? 1 : length))
    : shape.filter((_, axis) => !axes.includes(axis));
  return { shape: reduced, dtype };
};

/** An output whose shape is the value of an input. */
const shapedBy =
  (index: number): Rule =>
  (inputs) => ({ shape: values(inputs, index), dtype: at(inputs, inputs.length - 1).dtype });

const random: Rule = (inputs) => ({ shape: values(inputs, 0), dtype: 'float32' });

/** Output length of a convolution along one axis. */
function outputLength(
  length: number,
  taps: number,
  stride: number,
  padding: readonly [number, number] | 'SAME',
) {
  if (padding === 'SAME') return Math.ceil(length / stride);
  return Math.floor((length + padding[0] + padding[1] - taps) / stride) + 1;
}

/** @param channels of the output, from those of the input and the shape of the filter */
const convolution =
  (channels: (filter: readonly number[]) => number): Rule =>
  (inputs, attributes) => {
    const [n = 0, height = 0, width = 0] = at(inputs, 0).shape;
    const filter = at(inputs, 1).shape;
    const [, rows = 1, columns = 1] = attributes('strides') as number[];
    const explicit = (attributes('explicit_paddings') as number[] | undefined) ?? [];
    const padding = (axis: 1 | 2) =>
      attributes('padding') === 'SAME'
        ? 'SAME'
        : ([explicit[2 * axis] ?? 0, explicit[2 * axis + 1] ?? 0] as const);
    const shape = [
      n,
      outputLength(height, filter[0] ?? 1, rows, padding(1)),
      outputLength(width, filter[1] ?? 1, columns, padding(2)),
      channels(filter),
    ];
    return { shape, dtype: at(inputs, 0).dtype };
  };

const pooling: Rule = (inputs, attributes) => {
  const [n = 0, height = 0, width = 0, channels = 0] = at(inputs, 0).shape;
  const [, taps = 1] = attributes('ksize') as number[];
  const [, stride = 1] = attributes('strides') as number[];
  const padding = attributes('padding') === 'SAME' ? 'SAME' : ([0, 0] as const);
  const length = (from: number) => outputLength(from, taps, stride, padding);
  return { shape: [n, length(height), length(width), channels], dtype: at(inputs, 0).dtype };
};

const RULES: Record<string, Rule> = {
  ...Object.fromEntries(
    [
      'Abs',
      'BiasAdd',
      'ClipByValue',
      'Cos',
      'Exp',
      'FakeQuantWithMinMaxArgsGradient',
      'Floor',
      'Identity',
      'LeakyRelu',
      'LeakyReluGrad',
      'Log',
      'Neg',
      'OnesLike',
      'Relu',
      'Relu6',
      'ReluGrad',
      'ReverseV2',
      'Round',
      'Rsqrt',
      'Sigmoid',
      'Sign',
      'Sin',
      'Softplus',
      'Sqrt',
      'Square',
      'Tanh',
      'ZerosLike',
    ].map((op) => [op, same]),
  ),
  ...Object.fromEntries(
    ['Add', 'AddV2', 'Maximum', 'Minimum', 'Mul', 'Pow', 'RealDiv', 'SquaredDifference', 'Sub'].map((op) => [
      op,
      binary,
    ]),
  ),
  ...Object.fromEntries(
    ['Equal', 'Greater', 'GreaterEqual', 'Less', 'LessEqual', 'LogicalAnd', 'LogicalOr', 'NotEqual'].map(
      (op) => [op, comparison],
    ),
  ),
  ...Object.fromEntries(['Max', 'Mean', 'Min', 'Prod', 'Sum'].map((op) => [op, reduction])),
  AvgPool: pooling,
  AvgPoolGrad: shapedBy(0),
  BatchMatMulV2: (inputs, attributes) => {
    const [a, b] = [at(inputs, 0).shape, at(inputs, 1).shape];
    const rows = a.at(attributes('adj_x') === true ? -1 : -2) ?? 1;
    const columns = b.at(attributes('adj_y') === true ? -2 : -1) ?? 1;
    return {
      shape: [...broadcast(a.slice(0, -2), b.slice(0, -2)), rows, columns],
      dtype: at(inputs, 0).dtype,
    };
  },
  BiasAddGrad: (inputs) => ({ shape: at(inputs, 0).shape.slice(-1), dtype: at(inputs, 0).dtype }),
  BroadcastTo: (inputs) => ({ shape: values(inputs, 1), dtype: at(inputs, 0).dtype }),
  Cast: (inputs, attributes) => ({ shape: at(inputs, 0).shape, dtype: castType(attributes('DstT')) }),
  ConcatV2: (inputs) => {
    const parts = inputs.slice(0, -1);
    const { shape, dtype } = at(parts, 0);
    const axis = fromStart(value(inputs, inputs.length - 1), shape.length);
    const length = parts.reduce((sum, part) => sum + (part.shape[axis] ?? 0), 0);
    return { shape: shape.with(axis, length), dtype };
  },
  Conv2D: convolution((filter) => filter[3] ?? 0),
  Conv2DBackpropFilter: shapedBy(1),
  Conv2DBackpropInput: shapedBy(0),
  DepthwiseConv2dNative: convolution((filter) => (filter[2] ?? 0) * (filter[3] ?? 1)),
  ExpandDims: (inputs) => {
    const { shape, dtype } = at(inputs, 0);
    return { shape: shape.toSpliced(fromStart(value(inputs, 1), shape.length + 1), 0, 1), dtype };
  },
  Fill: (inputs) => ({ shape: values(inputs, 0), dtype: at(inputs, 1).dtype }),
  FusedBatchNormGradV3: (inputs) => {
    const { shape, dtype } = at(inputs, 1);
    const channels = { shape: shape.slice(-1), dtype };
    const unused = { shape: [0], dtype };
    return [{ shape, dtype }, channels, channels, unused, unused];
  },
  FusedBatchNormV3: (inputs) => {
    const { shape, dtype } = at(inputs, 0);
    const channels = { shape: shape.slice(-1), dtype };
    return [{ shape, dtype }, channels, channels, channels, channels, { shape: [0], dtype }];
  },
  GatherV2: (inputs) => {
    const { shape, dtype } = at(inputs, 0);
    const axis = fromStart(value(inputs, 2), shape.length);
    return { shape: shape.toSpliced(axis, 1, ...at(inputs, 1).shape), dtype };
  },
  IsFinite: (inputs) => ({ shape: at(inputs, 0).shape, dtype: 'bool' }),
  MaxPool: pooling,
  MaxPoolGrad: same,
  Pack: (inputs, attributes) => {
    const { shape, dtype } = at(inputs, 0);
    return {
      shape: shape.toSpliced(fromStart(Number(attributes('axis')), shape.length + 1), 0, inputs.length),
      dtype,
    };
  },
  PadV2: (inputs) => {
    const { shape, dtype } = at(inputs, 0);
    const zeros = values(inputs, 1);
    return { shape: shape.map((length, i) => length + (zeros[2 * i] ?? 0) + (zeros[2 * i + 1] ?? 0)), dtype };
  },
  Range: (inputs) => {
    const [start, limit, delta] = [value(inputs, 0), value(inputs, 1), value(inputs, 2)];
    return { shape: [Math.max(0, Math.ceil((limit - start) / delta))], dtype: at(inputs, 0).dtype };
  },
  Reshape: (inputs) => {
    const { shape, dtype } = at(inputs, 0);
    const target = values(inputs, 1);
    const known = sizeOf(target.filter((length) => length >= 0));
    return { shape: target.map((length) => (length >= 0 ? length : sizeOf(shape) / known)), dtype };
  },
  Select: (inputs) => ({ shape: at(inputs, 1).shape, dtype: at(inputs, 1).dtype }),
  Slice: (inputs) => {
    const { shape, dtype } = at(inputs, 0);
    const [begin, size] = [values(inputs, 1), values(inputs, 2)];
    const length = (i: number) => (size[i] === -1 ? (shape[i] ?? 0) - (begin[i] ?? 0) : (size[i] ?? 0));
    return { shape: shape.map((_, i) => length(i)), dtype };
  },
  SplitV: (inputs) => {
    const { shape, dtype } = at(inputs, 0);
    const axis = fromStart(value(inputs, 2), shape.length);
    return values(inputs, 1).map((length) => ({ shape: shape.with(axis, length), dtype }));
  },
  StatelessRandomNormal: random,
  StatelessRandomUniform: random,
  StridedSlice: (inputs, attributes) => {
    const { shape, dtype } = at(inputs, 0);
    for (const mask of ['ellipsis_mask', 'new_axis_mask', 'shrink_axis_mask'])
      if (Number(attributes(mask) ?? 0) !== 0) throw new RangeError(`StridedSlice with ${mask} has no rule`);
    const [begin, end, strides] = [values(inputs, 1), values(inputs, 2), values(inputs, 3)];
    const isOpen = (mask: string, axis: number) => ((Number(attributes(mask) ?? 0) >> axis) & 1) === 1;
    const lengths = shape.map((length, axis) => {
      const stride = strides[axis] ?? 1;
      if (stride < 1) throw new RangeError('StridedSlice with a negative stride has no rule');
      const clamp = (position: number) => Math.min(Math.max(fromStart(position, length), 0), length);
      const first = isOpen('begin_mask', axis) ? 0 : clamp(begin[axis] ?? 0);
      const last = isOpen('end_mask', axis) ? length : clamp(end[axis] ?? length);
      return Math.max(0, Math.ceil((last - first) / stride));
    });
    return { shape: lengths, dtype };
  },
  Tile: (inputs) => {
    const { shape, dtype } = at(inputs, 0);
    const times = values(inputs, 1);
    return { shape: shape.map((length, i) => length * (times[i] ?? 1)), dtype };
  },
  Transpose: (inputs) => {
    const { shape, dtype } = at(inputs, 0);
    return { shape: values(inputs, 1).map((axis) => shape[axis] ?? 0), dtype };
  },
  Unpack: (inputs, attributes) => {
    const { shape, dtype } = at(inputs, 0);
    const axis = fromStart(Number(attributes('axis')), shape.length);
    return Array.from({ length: Number(attributes('num')) }, () => ({
      shape: shape.toSpliced(axis, 1),
      dtype,
    }));
  },
  UnsortedSegmentSum: (inputs) => {
    const { shape, dtype } = at(inputs, 0);
    return { shape: [value(inputs, 2), ...shape.slice(at(inputs, 1).shape.length)], dtype };
  },
};

/** TensorFlow's numbers of types (types.proto). */
function castType(type: unknown): DataType {
  const types: Record<number, DataType> = { 1: 'float32', 3: 'int32', 10: 'bool' };
  const known = types[Number(type)];
  if (!known) throw new RangeError(`a cast to type ${String(type)} has no rule`);
  return known;
}
