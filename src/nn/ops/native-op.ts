/**
 * Runs TensorFlow operations for which TensorFlow.js has no kernel, on the active native backend.
 */
import type { Tensor } from '@tensorflow/tfjs';
import { type NativeBackend, type OpAttribute, tf } from '../tensorflow.js';

/** An attribute of an op, with its kind. */
export type AttributeValue =
  | ['type', 'float32' | 'int32']
  | ['float' | 'int', number]
  | ['ints', readonly number[]]
  | ['text', string]
  | ['bool', boolean];

function attribute({ binding }: NativeBackend, name: string, [kind, value]: AttributeValue): OpAttribute {
  const kinds = {
    type: 'TF_ATTR_TYPE',
    float: 'TF_ATTR_FLOAT',
    int: 'TF_ATTR_INT',
    ints: 'TF_ATTR_INT',
    text: 'TF_ATTR_STRING',
    bool: 'TF_ATTR_BOOL',
  } as const;
  const types = { float32: 'TF_FLOAT', int32: 'TF_INT32' } as const;
  const type = binding[kinds[kind]] as number;
  return { name, type, value: kind === 'type' ? binding[types[value]] : value };
}

/** Runs one operation with one output. It has no gradient. */
export function nativeOp(op: string, attributes: Record<string, AttributeValue>, inputs: Tensor[]): Tensor {
  const backend = tf.backend() as NativeBackend;
  return backend.executeSingleOutput(op, attributesOf(backend, attributes), inputs);
}

/** Runs one operation with several outputs. It has no gradient. */
export function nativeOps(
  op: string,
  attributes: Record<string, AttributeValue>,
  inputs: Tensor[],
  outputs: number,
): Tensor[] {
  const backend = tf.backend() as NativeBackend;
  return backend.executeMultipleOutputs(op, attributesOf(backend, attributes), inputs, outputs);
}

function attributesOf(backend: NativeBackend, attributes: Record<string, AttributeValue>): OpAttribute[] {
  return Object.entries(attributes).map(([name, value]) => attribute(backend, name, value));
}
