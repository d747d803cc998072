/** The recording backend: eager operations run as ever and leave a note of themselves, from which a graph is made. */
import type { DataId, DataType, Tensor, TensorInfo } from '@tensorflow/tfjs';
import { type NativeBackend, nativeBackend, type OpAttribute, tf } from '../tensorflow.js';

/** A tensor in a graph: a node's name and the number of its output. */
export interface Endpoint {
  node: string;
  output: number;
  dtype: DataType;
}

/** One operation that ran. */
export interface RecordedOp {
  node: string;
  op: string;
  attrs: OpAttribute[];
  inputs: Endpoint[];
}

/** One tensor made from values. */
export interface RecordedConstant {
  node: string;
  dtype: DataType;
  shape: number[];
  values: ArrayLike<number>;
}

export interface Recording {
  ops: RecordedOp[];
  constants: RecordedConstant[];
  /** The endpoint of a tensor that was declared as an input, recorded, or made from values. */
  endpointOf(tensor: TensorInfo): Endpoint;
}

const BACKEND = 'recording';

type BackendClass = new (binding: object, packageName: string) => NativeBackend;

interface Recorder extends NativeBackend {
  begin(prefix: string): Tape;
  end(): void;
}

/** What has been noted so far. */
class Tape implements Recording {
  readonly ops: RecordedOp[] = [];
  readonly constants: RecordedConstant[] = [];
  private readonly endpoints = new WeakMap<DataId, Endpoint>();
  private readonly written = new WeakMap<DataId, Omit<RecordedConstant, 'node'>>();
  private next = 0;

  constructor(private readonly prefix: string) {}

  /** A tensor of this graph whose values come from outside. */
  declare(tensor: TensorInfo, node: string): void {
    this.endpoints.set(tensor.dataId, { node, output: 0, dtype: tensor.dtype });
  }

  noteValues(dataId: DataId, constant: Omit<RecordedConstant, 'node'>): void {
    this.written.set(dataId, constant);
  }

  noteOp(op: string, attrs: OpAttribute[], inputs: TensorInfo[], outputs: TensorInfo[]): void {
    const node = this.name(op);
    this.ops.push({ node, op, attrs, inputs: inputs.map((input) => this.endpointOf(input)) });
    for (const [output, { dataId, dtype }] of outputs.entries())
      this.endpoints.set(dataId, { node, output, dtype });
  }

  endpointOf(tensor: TensorInfo): Endpoint {
    const known = this.endpoints.get(tensor.dataId);
    if (known) return known;
    const values = this.written.get(tensor.dataId);
    if (!values)
      throw new Error('a tensor from outside of the recording was used in it without being declared');
    const constant = { node: this.name('Const'), ...values };
    this.constants.push(constant);
    const endpoint = { node: constant.node, output: 0, dtype: constant.dtype };
    this.endpoints.set(tensor.dataId, endpoint);
    return endpoint;
  }

  private name(op: string): string {
    return `${this.prefix}/${op}_${this.next++}`;
  }
}

/** Registered once: the native backend's kernels under another name, on a backend that takes notes. */
function recorder(): Recorder {
  const existing = tf.findBackend(BACKEND);
  if (existing) return existing as Recorder;
  const native = nativeBackend();
  const Native = native.constructor as BackendClass;

  class RecordingBackend extends Native implements Recorder {
    private tape: Tape | null = null;

    begin(prefix: string): Tape {
      this.tape = new Tape(prefix);
      return this.tape;
    }

    end(): void {
      this.tape = null;
    }

    override executeSingleOutput(op: string, attrs: OpAttribute[], inputs: TensorInfo[]): Tensor {
      const output = super.executeSingleOutput(op, attrs, inputs);
      this.tape?.noteOp(op, attrs, inputs, [output]);
      return output;
    }

    override executeMultipleOutputs(
      op: string,
      attrs: OpAttribute[],
      inputs: TensorInfo[],
      count: number,
    ): Tensor[] {
      const outputs = super.executeMultipleOutputs(op, attrs, inputs, count);
      this.tape?.noteOp(op, attrs, inputs, outputs);
      return outputs;
    }

    override write(values: Float32Array, shape: number[], dtype: DataType): DataId {
      const dataId = super.write(values, shape, dtype);
      this.tape?.noteValues(dataId, { dtype, shape, values: values.slice() });
      return dataId;
    }
  }

  tf.copyRegisteredKernels('tensorflow', BACKEND);
  tf.registerBackend(BACKEND, () => new RecordingBackend(native.binding, '@tensorflow/tfjs-node-gpu'));
  return tf.findBackend(BACKEND) as Recorder;
}

/** Placeholders of a recording: their node names, shapes and types. */
export interface RecordedInput {
  node: string;
  shape: readonly number[];
  dtype: 'float32' | 'int32';
}

/**
 * Runs `body` once, eagerly, on inputs of ones, and returns what it did. Whatever it makes is disposed of; `finish` sees the
 * recording while the tensors still live.
 */
export function record<Result>(
  prefix: string,
  inputs: Record<string, RecordedInput>,
  body: (tensors: Record<string, Tensor>, recording: Recording) => Result,
): { result: Result; recording: Recording } {
  const backend = recorder();
  const before = tf.getBackend();
  tf.setBackend(BACKEND);
  const tape = backend.begin(prefix);
  try {
    const result = tf.tidy(() => {
      const tensors: Record<string, Tensor> = {};
      for (const [name, { node, shape, dtype }] of Object.entries(inputs)) {
        tensors[name] = tf.ones([...shape], dtype);
        tape.declare(tensors[name], node);
      }
      return body(tensors, tape) as never;
    }) as Result;
    return { result, recording: tape };
  } finally {
    backend.end();
    tf.setBackend(before);
  }
}
