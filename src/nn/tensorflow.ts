/** Native TensorFlow, loaded once: the library, its version, its device and its threads. */
import { createRequire } from 'node:module';
import type * as Tf from '@tensorflow/tfjs';
import { environment } from '../core/environment.js';
import { SetupError } from '../core/errors.js';
import { setDeviceEnvironment } from './device-environment.js';

// The library reads these when it is loaded. Values that the user has set have precedence.
process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
setDeviceEnvironment();
process.env.TF_ENABLE_ONEDNN_OPTS ??= '1';

/** The part of the native backend that recording and running graphs use. */
export interface NativeBackend extends Tf.KernelBackend {
  readonly binding: Record<string, number> & {
    loadSavedModel(folder: string, tags: string): number;
    deleteSavedModel(session: number): void;
    createTensor(shape: number[], dtype: number, values: Int32Array): number;
    deleteTensor(id: number): void;
    tensorDataSync(id: number): Int32Array;
    executeOp(op: string, attrs: OpAttribute[], inputs: number[], outputs: number): { id: number }[];
  };
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
  runSavedModel(
    session: number,
    inputs: Tf.Tensor[],
    infos: { name: string }[],
    outputs: string[],
  ): Tf.Tensor[];
  getDTypeInteger(dtype: Tf.DataType): number;
  readSync(dataId: Tf.DataId): Tf.BackendValues;
}

/** An attribute of a TensorFlow op, as the binding takes it. */
export interface OpAttribute {
  name: string;
  type: number;
  value: unknown;
}

function load(): void {
  const require = createRequire(import.meta.url);
  try {
    // Before the binding: drops what the library prints while it is loaded.
    require('@tensorflow/tfjs-node-gpu/lib/napi-v8/quiet_load.node');
    require('@tensorflow/tfjs-node-gpu');
  } catch (cause) {
    throw new SetupError({
      what: `TensorFlow's native library cannot be loaded (${cause instanceof Error ? cause.message.split('\n')[0] : 'unknown'})`,
      hint: 'Run `npm run setup`; `gist doctor` shows what is missing.',
      cause,
    });
  }
}

load();

/** TensorFlow.js, bound to the native library. */
export const tf = createRequire(import.meta.url)('@tensorflow/tfjs') as typeof Tf;

/** A SavedModel in a session, which keeps its variables. */
export class GraphSession {
  private readonly id: number;

  constructor(folder: string) {
    this.id = nativeBackend().binding.loadSavedModel(folder, 'serve');
  }

  /**
   * Computes `outputs` from the values of other nodes; both are names such as `node:0`. Much faster
   * to start than TensorFlow.js's TFSavedModel, which parses the whole file for each signature.
   */
  run(inputs: Record<string, Tf.Tensor>, outputs: string[]): Tf.Tensor[] {
    // The library knows the type of an input from its tensor.
    const infos = Object.keys(inputs).map((name) => ({ name }));
    return nativeBackend().runSavedModel(this.id, Object.values(inputs), infos, outputs);
  }

  dispose(): void {
    nativeBackend().binding.deleteSavedModel(this.id);
  }
}

/** The native backend, by the name under which it is registered. */
export function nativeBackend(): NativeBackend {
  return tf.findBackend('tensorflow') as NativeBackend;
}

/** Whether the bound library computes on a GPU. */
export function usesGpu(): boolean {
  return nativeBackend().isUsingGpuDevice;
}

/**
 * A training that was to run on a GPU must not begin on the CPU: it would take weeks, and a new one
 * would keep settings that are chosen for a CPU.
 *
 * @throws SetupError when the library of the GPU finds none
 */
export function requireGpu(): void {
  if (environment.tensorflow() !== 'cuda' || usesGpu()) return;
  throw new SetupError({
    what: 'TensorFlow finds no GPU that it can use',
    where: 'GIST_TENSORFLOW=cuda',
    hint: 'Check the driver with nvidia-smi and CUDA_VISIBLE_DEVICES, or set GIST_TENSORFLOW=cpu.',
  });
}

/** Name and version of the numeric library, as a checkpoint records it. */
export function libraryVersion(): string {
  const version = (nativeBackend().binding as unknown as { TF_Version?: string }).TF_Version ?? 'unknown';
  return `tensorflow ${version}${usesGpu() ? ' (gpu)' : ''}`;
}
