/** Tensors as PyTorch pickles describe them: a view of a storage, by offset, shape and strides. */
import { isShortString, PickleGlobal } from './pickle.js';
import { bfloatToFloat, halfToFloat, type NamedTensor } from './safetensors.js';

const MAX_DIMENSIONS = 8;

interface StorageType {
  /** Of one element. */
  bytes: number;
  read: (view: DataView, at: number) => number;
}

/** Element types by the names of their classes; every other one is refused. */
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

/** Throws the reader's error, given what is wrong with the file. */
export type Refuse = (what: string) => never;

export class TorchStorage {
  /** Its raw bytes, once known. */
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

  /** The values, in C order. */
  read(refuse: Refuse): NamedTensor {
    const { storage, offset, shape, strides } = this;
    const type = STORAGE_TYPES[storage.type];
    if (!storage.data || !type) refuse('lacks a storage');
    const view = new DataView(storage.data.buffer, storage.data.byteOffset, storage.data.byteLength);
    const data = new Float32Array(this.elements);
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

/** What a persistent id of a storage says: `('storage', type, key, device, elements)`. */
export function parseStorageId(id: unknown, refuse: Refuse): TorchStorage {
  const [kind, type, key, , elements, view] = Array.isArray(id) ? (id as unknown[]) : [];
  const known =
    kind === 'storage' && type instanceof PickleGlobal && isShortString(key) && (view ?? null) === null;
  if (!known || !Object.hasOwn(STORAGE_TYPES, type.name) || !isCount(elements))
    refuse('describes a storage wrongly');
  return new TorchStorage(type.name, key, elements);
}

/** What `torch._utils._rebuild_tensor_v2` is given. */
export function rebuildTensor([storage, offset, shape, strides]: unknown[], refuse: Refuse): TorchTensor {
  if (!(storage instanceof TorchStorage) || !isCount(offset) || !isShape(shape) || !isShape(strides))
    refuse('describes a tensor wrongly');
  if (shape.length !== strides.length) refuse('describes a tensor wrongly');
  const last = shape.reduce((sum, side, axis) => sum + (side - 1) * (strides[axis] as number), offset);
  const elements = product(shape);
  // A stride of 0 would make a large tensor of a small storage.
  if (elements > 0 && (last >= storage.elements || elements > storage.elements))
    refuse('has a tensor that leaves its storage');
  return new TorchTensor(storage, offset, shape, strides);
}

/** The globals that every pickle with tensors names: types of storages, dictionaries, tensors. */
export function tensorGlobals(refuse: Refuse): Record<string, ((args: unknown[]) => unknown) | null> {
  return {
    ...Object.fromEntries(Object.keys(STORAGE_TYPES).map((type) => [type, null])),
    'collections OrderedDict': (args) => (args.length === 0 ? new Map() : refuse('has a filled dictionary')),
    'torch._utils _rebuild_tensor_v2': (args) => rebuildTensor(args, refuse),
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
