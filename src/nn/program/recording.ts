/** The recording backend: it records operations for a graph and computes nothing. */
import type { BackendValues, DataId, DataType, Tensor, TensorInfo } from '@tensorflow/tfjs';
import { type NativeBackend, nativeBackend, type OpAttribute, tf } from '../tensorflow.js';
import { inferOutputs, type InferredTensor, type KnownTensor } from './shapes.js';

/** A tensor in a graph: a node's name and the number of its output. */
export interface Endpoint {
  node: string;
  output: number;
  dtype: DataType;
}

/** One operation of a recording. */
export interface RecordedOp {
  node: string;
  op: string;
  attrs: OpAttribute[];
  inputs: Endpoint[];
}

/** One tensor of a recording whose values are known. */
export interface RecordedConstant {
  node: string;
  dtype: DataType;
  shape: number[];
  values: ArrayLike<number>;
}

export interface Recording {
  ops: RecordedOp[];
  constants: RecordedConstant[];
  /** The endpoint of a tensor: an input, the output of a recorded operation, or a constant. */
  endpointOf(tensor: TensorInfo): Endpoint;
}

const BACKEND = 'recording';
/** Stands for the library's id of a tensor, where there is none. */
const NO_VALUES = -1;
/** From this size on, a tensor of one repeated value is written as that value and its shape. */
const LARGE_FILL = 1024;

type BackendClass<Backend = NativeBackend> = new (binding: object, packageName: string) => Backend;

interface RecordingBackend extends NativeBackend {
  /** null: operations are computed, not recorded. */
  tape: Tape | null;
  /** A tensor that has a shape and a type, but no values. */
  symbolic(tensor: InferredTensor): Tensor;
}

/** A tensor of one repeated value. */
interface Fill {
  shape: number[];
  dtype: DataType;
  value: number;
}

function typeAttribute(name: string, dtype: DataType): OpAttribute {
  const native = nativeBackend();
  return { name, type: native.binding.TF_ATTR_TYPE as number, value: native.getDTypeInteger(dtype) };
}

/** A recording in progress. */
class Tape implements Recording {
  readonly ops: RecordedOp[] = [];
  readonly constants: RecordedConstant[] = [];
  private readonly endpoints = new WeakMap<DataId, Endpoint>();
  private readonly values = new WeakMap<DataId, Omit<RecordedConstant, 'node'>>();
  private readonly fills = new WeakMap<DataId, Fill>();
  private next = 0;

  constructor(private readonly prefix: string) {}

  /** Declares an input of the graph: a tensor whose values are fed. */
  declareInput(tensor: TensorInfo, node: string): void {
    this.endpoints.set(tensor.dataId, { node, output: 0, dtype: tensor.dtype });
  }

  recordValues(dataId: DataId, constant: Omit<RecordedConstant, 'node'>): void {
    this.values.set(dataId, constant);
  }

  recordFill(dataId: DataId, fill: Fill): void {
    this.fills.set(dataId, fill);
  }

  recordOp(op: string, attrs: OpAttribute[], inputs: TensorInfo[], outputs: TensorInfo[]): void {
    const node = this.name(op);
    this.ops.push({ node, op, attrs, inputs: inputs.map((input) => this.endpointOf(input)) });
    for (const [output, { dataId, dtype }] of outputs.entries())
      this.endpoints.set(dataId, { node, output, dtype });
  }

  endpointOf(tensor: TensorInfo): Endpoint {
    const known = this.endpoints.get(tensor.dataId);
    if (known) return known;
    const fill = this.fills.get(tensor.dataId);
    if (fill) return this.fillEndpoint(tensor.dataId, fill);
    const values = this.values.get(tensor.dataId);
    if (!values)
      throw new Error('the recording uses a tensor that was made outside of it and is not one of its inputs');
    const endpoint = this.constant(values);
    this.endpoints.set(tensor.dataId, endpoint);
    return endpoint;
  }

  private constant(values: Omit<RecordedConstant, 'node'>): Endpoint {
    const node = this.name('Const');
    this.constants.push({ node, ...values });
    return { node, output: 0, dtype: values.dtype };
  }

  private fillEndpoint(dataId: DataId, { shape, dtype, value }: Fill): Endpoint {
    const dims = this.constant({ dtype: 'int32', shape: [shape.length], values: Int32Array.from(shape) });
    const repeated = this.constant({ dtype, shape: [], values: [value] });
    const node = this.name('Fill');
    const attrs = [typeAttribute('T', dtype), typeAttribute('index_type', 'int32')];
    this.ops.push({ node, op: 'Fill', attrs, inputs: [dims, repeated] });
    const endpoint = { node, output: 0, dtype };
    this.endpoints.set(dataId, endpoint);
    return endpoint;
  }

  isWritten(dataId: DataId): boolean {
    return this.values.has(dataId);
  }

  /** What is known of an operation's input. */
  knownOf({ dataId, shape, dtype }: TensorInfo): KnownTensor {
    return { shape, dtype, values: this.values.get(dataId)?.values };
  }

  private name(op: string): string {
    return `${this.prefix}/${op}_${this.next++}`;
  }
}

/** The recording backend, registered once: it has the kernels of the native backend. */
function recordingBackend(): RecordingBackend {
  const existing = tf.findBackend(BACKEND);
  if (existing) return existing as RecordingBackend;
  const native = nativeBackend();
  const Backend = recordingClass(native.constructor as BackendClass);
  tf.copyRegisteredKernels('tensorflow', BACKEND);
  tf.registerBackend(BACKEND, () => new Backend(native.binding, '@tensorflow/tfjs-node-gpu'));
  return tf.findBackend(BACKEND) as RecordingBackend;
}

/** A subclass of the native backend, whose class the library does not export. */
function recordingClass(Native: BackendClass): BackendClass<RecordingBackend> {
  return class extends Native implements RecordingBackend {
    tape: Tape | null = null;
    /** Sizes of integer tensors whose values are not known while recording. */
    private readonly integers = new WeakMap<DataId, number>();

    override executeSingleOutput(op: string, attrs: OpAttribute[], inputs: TensorInfo[]): Tensor {
      if (!this.tape) return super.executeSingleOutput(op, attrs, inputs);
      return this.record(this.tape, op, attrs, inputs)[0] as Tensor;
    }

    override executeMultipleOutputs(
      op: string,
      attrs: OpAttribute[],
      inputs: TensorInfo[],
      count: number,
    ): Tensor[] {
      if (!this.tape) return super.executeMultipleOutputs(op, attrs, inputs, count);
      return this.record(this.tape, op, attrs, inputs);
    }

    symbolic({ shape, dtype }: InferredTensor): Tensor {
      const metadata = { id: NO_VALUES, shape: [...shape], dtype: this.getDTypeInteger(dtype) };
      const tensor = this.createOutputTensor(metadata);
      if (dtype === 'int32') this.integers.set(tensor.dataId, tensor.size);
      return tensor;
    }

    private record(tape: Tape, op: string, attrs: OpAttribute[], inputs: TensorInfo[]): Tensor[] {
      const inferred = inferOutputs(
        op,
        attrs,
        inputs.map((input) => tape.knownOf(input)),
      );
      const outputs = inferred.map((output) => this.symbolic(output));
      tape.recordOp(op, attrs, inputs, outputs);
      return outputs;
    }

    /**
     * TensorFlow.js checks the range of the indices of a gather; zeros pass this check. No other
     * value is read.
     */
    override readSync(dataId: DataId): BackendValues {
      const integers = this.integers.get(dataId);
      if (integers !== undefined) return new Int32Array(integers);
      if (this.tape && !this.tape.isWritten(dataId))
        throw new Error('a value was read while a program is recorded, where nothing is computed');
      return super.readSync(dataId);
    }

    override write(values: Float32Array, shape: number[], dtype: DataType): DataId {
      if (this.tape && isLargeFill(values)) {
        const { dataId } = this.symbolic({ shape, dtype });
        this.tape.recordFill(dataId, { shape, dtype, value: values[0] as number });
        return dataId;
      }
      const dataId = super.write(values, shape, dtype);
      this.tape?.recordValues(dataId, { dtype, shape, values: values.slice() });
      return dataId;
    }
  };
}

function isLargeFill(values: ArrayLike<number>): boolean {
  if (values.length < LARGE_FILL) return false;
  const first = values[0];
  for (let i = 1; i < values.length; i++) if (values[i] !== first) return false;
  return true;
}

/** Placeholders of a recording: their node names, shapes and types. */
export interface RecordedInput {
  node: string;
  shape: readonly number[];
  dtype: 'float32' | 'int32';
}

/**
 * Runs `body` once on tensors without values and records its operations; `shapes.ts` infers the
 * shape of each output. Nothing is computed, so recording needs no device memory at any batch size.
 */
export function record<Result>(
  prefix: string,
  inputs: Record<string, RecordedInput>,
  body: (tensors: Record<string, Tensor>, recording: Recording) => Result,
): { result: Result; recording: Recording } {
  const backend = recordingBackend();
  const previous = tf.getBackend();
  tf.setBackend(BACKEND);
  const tape = new Tape(prefix);
  backend.tape = tape;
  try {
    const result = tf.tidy(() => {
      const tensors: Record<string, Tensor> = {};
      for (const [name, { node, shape, dtype }] of Object.entries(inputs)) {
        tensors[name] = backend.symbolic({ shape, dtype });
        tape.declareInput(tensors[name], node);
      }
      return body(tensors, tape) as never;
    }) as Result;
    return { result, recording: tape };
  } finally {
    backend.tape = null;
    tf.setBackend(previous);
  }
}
