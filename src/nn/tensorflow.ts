/** Native TensorFlow, loaded once: the library, its version, its device and its threads. */
import { createRequire } from 'node:module';
import type * as Tf from '@tensorflow/tfjs';
import { SetupError } from '../core/errors.js';
import { setDeviceEnvironment } from './device-environment.js';

// The library reads these when it is loaded. Values that the user has set have precedence.
process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
setDeviceEnvironment();
process.env.TF_ENABLE_ONEDNN_OPTS ??= '1';

/** The part of the native backend that recording and running graphs use. */
export interface NativeBackend extends Tf.KernelBackend {
  readonly binding: Record<string, number> & object;
  readonly isUsingGpuDevice: boolean;
  executeSingleOutput(op: string, attrs: OpAttribute[], inputs: Tf.TensorInfo[]): Tf.Tensor;
  executeMultipleOutputs(
    op: string,
    attrs: OpAttribute[],
    inputs: Tf.TensorInfo[],
    outputs: number,
  ): Tf.Tensor[];
  /** A tensor by the library's id; `dtype`: the library's id of the type. */
  createOutputTensor(metadata: { id: number; shape: number[]; dtype: number }): Tf.Tensor;
  getDTypeInteger(dtype: Tf.DataType): number;
  readSync(dataId: Tf.DataId): Tf.BackendValues;
}

/** An attribute of a TensorFlow op, as the binding takes it. */
export interface OpAttribute {
  name: string;
  type: number;
  value: unknown;
}

/** A loaded signature of a SavedModel. */
export interface LoadedSignature {
  predict(inputs: Tf.NamedTensorMap): Tf.NamedTensorMap;
  dispose(): void;
}

interface NativeModule {
  node: { loadSavedModel(folder: string, tags: string[], signature: string): Promise<LoadedSignature> };
}

function load(): NativeModule {
  const require = createRequire(import.meta.url);
  try {
    // Before the binding: drops what the library prints while it is loaded.
    require('@tensorflow/tfjs-node-gpu/lib/napi-v8/quiet_load.node');
    return require('@tensorflow/tfjs-node-gpu') as NativeModule;
  } catch (cause) {
    throw new SetupError({
      what: `TensorFlow's native library cannot be loaded (${cause instanceof Error ? cause.message.split('\n')[0] : 'unknown'})`,
      hint: 'Run `npm run setup`; `gist doctor` shows what is missing.',
      cause,
    });
  }
}

const native = load();

/** TensorFlow.js, bound to the native library. */
export const tf = createRequire(import.meta.url)('@tensorflow/tfjs') as typeof Tf;

/**
 * Loads one signature of a SavedModel; the signatures of one folder share a session and its
 * variables.
 */
export function loadSignature(folder: string, signature: string): Promise<LoadedSignature> {
  return native.node.loadSavedModel(folder, ['serve'], signature);
}

/** The native backend, by the name under which it is registered. */
export function nativeBackend(): NativeBackend {
  return tf.findBackend('tensorflow') as NativeBackend;
}

/** Whether the bound library computes on a GPU. */
export function usesGpu(): boolean {
  return nativeBackend().isUsingGpuDevice;
}

/** Name and version of the numeric library, as a checkpoint records it. */
export function libraryVersion(): string {
  const version = (nativeBackend().binding as unknown as { TF_Version?: string }).TF_Version ?? 'unknown';
  return `tensorflow ${version}${usesGpu() ? ' (gpu)' : ''}`;
}
