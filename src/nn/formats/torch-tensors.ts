/** Tensors of PyTorch pickles: views of a storage with offset, shape and strides. */
import { isShortString, PickleGlobal } from './pickle.js';
import { bfloatToFloat, halfToFloat, type NamedTensor } from './safetensors.js';

const MAX_DIMENSIONS = 8;

interface StorageType {
  /** Bytes per element. */
  bytes: number;
  read: (view: DataView, at: number) => number;
}

/** Supported storage types by class name. */
export const STORAGE_TYPES: Readonly<Record<string, StorageType>> = {
  'torch FloatStorage': { bytes: 4, read: (view, at) => view.getFloat32(at, true) },
  'torch DoubleStorage': { bytes: 8, read: (view, at) => view.getFloat64(at, true) },
  'torch HalfStorage': { bytes: 2, read: (view, at) => halfToFloat(view.getUint16(at, true)) },
  'torch BFloat16Storage': { bytes: 2, read: (view, at) => bfloatToFloat(view.getUint16(at, true)) },
  'torch LongStorage': { bytes: 8, read: (view, at) => Number(view.getBigInt64(at, true)) },
  'torch IntStorage': { bytes: 4, read: (view, at) => view.getInt32(at, true) },
  'torch ShortStorage': { bytes: 2, read: (view, at) => view.getInt16(at, true) },
  'torch CharStorage': { bytes: 1, read: (view, at) => view.getInt8(at) },
  'torch ByteStorage': { bytes: 1, read: (view, at) => view.getUint8(at) },
  'torch BoolStorage': { bytes: 1, read: (view, at) => view.getUint8(at) },
};

/** Throws the error of the reader, given a description of the problem. */
export type Refuse = (what: string) => never;

export class TorchStorage {
  /** Raw bytes; null until they have been read. */
  data: Uint8Array | null = null;

  constructor(
    readonly type: string,
    readonly key: string,
    readonly elements: number,
  ) {}

  get bytes(): number {
    return this.elements * (STORAGE_TYPES[this.type]?.bytes ?? 0);
  }
}

export class TorchTensor {
  constructor(
    readonly storage: TorchStorage,
    readonly offset: number,
    readonly shape: number[],
    readonly strides: number[],
  ) {}

  get elements(): number {
    return product(this.shape);
  }

  /** Whether the values follow one another in C order. */
  private isContiguous(): boolean {
    let step = 1;
    for (let axis = this.shape.length - 1; axis >= 0; axis--) {
      const side = this.shape[axis] as number;
      if (side !== 1 && this.strides[axis] !== step) return false;
      step *= side;
    }
    return true;
  }

  /** Reads the values in C order. */
  read(refuse: Refuse): NamedTensor {
    const { storage, offset, shape, strides } = this;
    const type = STORAGE_TYPES[storage.type];
    if (!storage.data || !type) refuse('has no data for a storage');
    const view = new DataView(storage.data.buffer, storage.data.byteOffset, storage.data.byteLength);
    const data = new Float32Array(this.elements);
    if (storage.type === 'torch FloatStorage' && this.isContiguous()) {
      const bytes = new Uint8Array(data.buffer);
      bytes.set(storage.data.subarray(offset * type.bytes, offset * type.bytes + bytes.byteLength));
      return { shape, data };
    }
    const index = shape.map(() => 0);
    let at = offset;
    for (let i = 0; i < data.length; i++) {
      data[i] = type.read(view, at * type.bytes);
      for (let axis = shape.length - 1; axis >= 0; axis--) {
        at += strides[axis] as number;
        index[axis] = (index[axis] as number) + 1;
        if ((index[axis] as number) < (shape[axis] as number)) break;
        at -= (strides[axis] as number) * (shape[axis] as number);
        index[axis] = 0;
      }
    }
    return { shape, data };
  }
}

/** Parses the persistent id of a storage: `('storage', type, key, device, elements)`. */
export function parseStorageId(id: unknown, refuse: Refuse): TorchStorage {
  const [kind, type, key, , elements, view] = Array.isArray(id) ? (id as unknown[]) : [];
  const known =
    kind === 'storage' && type instanceof PickleGlobal && isShortString(key) && (view ?? null) === null;
  if (!known || !Object.hasOwn(STORAGE_TYPES, type.name) || !isCount(elements))
    refuse('has an invalid description of a storage');
  return new TorchStorage(type.name, key, elements);
}

/** Validates the arguments of `torch._utils._rebuild_tensor_v2`. */
export function rebuildTensor([storage, offset, shape, strides]: unknown[], refuse: Refuse): TorchTensor {
  if (!(storage instanceof TorchStorage) || !isCount(offset) || !isShape(shape) || !isShape(strides))
    refuse('has an invalid description of a tensor');
  if (shape.length !== strides.length) refuse('has an invalid description of a tensor');
  const last = shape.reduce((sum, side, axis) => sum + (side - 1) * (strides[axis] as number), offset);
  const elements = product(shape);
  // With a stride of 0, a small storage could describe a large tensor.
  if (elements > 0 && (last >= storage.elements || elements > storage.elements))
    refuse('has a tensor that exceeds its storage');
  return new TorchTensor(storage, offset, shape, strides);
}

/** Globals of all pickles with tensors: storage types, dictionaries and tensors. */
export function tensorGlobals(refuse: Refuse): Record<string, ((args: unknown[]) => unknown) | null> {
  return {
    ...Object.fromEntries(Object.keys(STORAGE_TYPES).map((type) => [type, null])),
    'collections OrderedDict': (args) =>
      args.length === 0 ? new Map() : refuse('has a non-empty OrderedDict'),
    'torch._utils _rebuild_tensor_v2': (args) => rebuildTensor(args, refuse),
  };
}

/** Globals of state dicts with parameters: tensors that were trained, in old and new form. */
export function parameterGlobals(refuse: Refuse): Record<string, (args: unknown[]) => unknown> {
  const parameter = ([tensor]: unknown[]) =>
    tensor instanceof TorchTensor ? tensor : refuse('has an invalid parameter');
  return {
    'torch._utils _rebuild_tensor': (args) => rebuildTensor(args, refuse),
    'torch._utils _rebuild_parameter': parameter,
    'torch.nn.parameter Parameter': parameter,
  };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isShape(value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= MAX_DIMENSIONS && value.every(isCount);
}

function product(shape: readonly number[]): number {
  return shape.reduce((total, side) => total * side, 1);
}
