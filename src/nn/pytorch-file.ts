/** PyTorch state dicts, in today's format, a zip archive, and in that of before version 1.6, one pickle after another. */
import { CheckpointError } from '../core/errors.js';
import { type PickleRules, PickleGlobal, unpickle } from './pickle.js';
import type { NamedTensor } from './safetensors.js';
import { isZip, storedFiles } from './stored-files.js';

/** First object of a file in the older format. */
const MAGIC = 0x1950a86a20f9469cfc6cn;
const FORMAT = 1001;
const MAX_DIMENSIONS = 8;

const STORAGES: Record<string, { bytes: number; read: (view: DataView, at: number) => number }> = {
  'torch FloatStorage': { bytes: 4, read: (view, at) => view.getFloat32(at, true) },
  'torch DoubleStorage': { bytes: 8, read: (view, at) => view.getFloat64(at, true) },
  'torch LongStorage': { bytes: 8, read: (view, at) => Number(view.getBigInt64(at, true)) },
  'torch IntStorage': { bytes: 4, read: (view, at) => view.getInt32(at, true) },
};

class Storage {
  /** Where its values begin in the file, once known. */
  first: number | null = null;
  constructor(
    readonly type: string,
    readonly key: string,
    readonly elements: number,
  ) {}
}

class StoredTensor {
  constructor(
    readonly storage: Storage,
    readonly offset: number,
    readonly shape: number[],
    readonly strides: number[],
  ) {}
}

/**
 * Every tensor of a state dict, as float32 in C order. Nothing in the file is executed: names other than those of tensors,
 * storages and dictionaries are refused.
 *
 * @param name of the file, for errors
 * @throws CheckpointError when it is damaged, hostile or of another format
 */
export function readPytorchFile(bytes: Uint8Array, name: string): Record<string, NamedTensor> {
  return new PytorchFile(bytes, name).read();
}

class PytorchFile {
  private readonly storages = new Map<string, Storage>();
  private position = 0;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly name: string,
  ) {}

  read(): Record<string, NamedTensor> {
    return isZip(this.bytes) ? this.archive() : this.pickles();
  }

  /** `NAME/data.pkl`, the state dict, and `NAME/data/KEY`, the raw bytes of every storage. */
  private archive(): Record<string, NamedTensor> {
    const files = storedFiles(this.bytes, (what) => this.refuse(what));
    const pickles = [...files.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name));
    const [pickle] = pickles;
    if (pickle === undefined || pickles.length > 1) this.refuse('is an archive, but none of PyTorch');
    const folder = pickle.slice(0, -'data.pkl'.length);
    const order = files.get(`${folder}byteorder`);
    if (order && Buffer.from(order).toString() !== 'little')
      this.refuse('was written on a big-endian machine');
    const { value } = unpickle(files.get(pickle) as Uint8Array, 0, this.rules());
    for (const storage of this.storages.values()) {
      const content = files.get(`${folder}data/${storage.key}`);
      if (!content) this.refuse('lacks a storage');
      if (content.byteLength !== storage.elements * (STORAGES[storage.type]?.bytes ?? 0))
        this.refuse('has a storage of another size than it says');
      storage.first = content.byteOffset - this.bytes.byteOffset;
    }
    return this.tensors(value);
  }

  /** Magic number, version, system, state dict, keys of the storages, then their raw bytes. */
  private pickles(): Record<string, NamedTensor> {
    const plain: PickleRules = { name: this.name, globals: {} };
    if (this.next(plain) !== MAGIC) this.refuse('is no PyTorch file');
    if (this.next(plain) !== FORMAT) this.refuse('is of another version of the format');
    const system = this.next(plain);
    if (!(system instanceof Map) || system.get('little_endian') !== true)
      this.refuse('was written on a big-endian machine');
    const state = this.next(this.rules());
    this.locate(this.next(plain));
    return this.tensors(state);
  }

  private next(rules: PickleRules): unknown {
    const { value, end } = unpickle(this.bytes, this.position, rules);
    this.position = end;
    return value;
  }

  private rules(): PickleRules {
    const storages = Object.fromEntries(Object.keys(STORAGES).map((type) => [type, null]));
    return {
      name: this.name,
      globals: {
        ...storages,
        'collections OrderedDict': (args) =>
          args.length === 0 ? new Map() : this.refuse('has a filled dictionary'),
        'torch._utils _rebuild_tensor_v2': (args) => this.tensor(args),
      },
      persistent: (id) => this.storage(id),
    };
  }

  private storage(id: unknown): Storage {
    const [kind, type, key, , elements, view] = Array.isArray(id) ? (id as unknown[]) : [];
    const known =
      kind === 'storage' &&
      type instanceof PickleGlobal &&
      typeof key === 'string' &&
      (view ?? null) === null;
    if (!known || !STORAGES[type.name] || !isCount(elements)) this.refuse('describes a storage wrongly');
    const storage = this.storages.get(key) ?? new Storage(type.name, key, elements);
    if (storage.type !== type.name || storage.elements !== elements)
      this.refuse('describes one storage in two ways');
    this.storages.set(key, storage);
    return storage;
  }

  private tensor([storage, offset, shape, strides]: unknown[]): StoredTensor {
    if (!(storage instanceof Storage) || !isCount(offset) || !isShape(shape) || !isShape(strides)) {
      this.refuse('describes a tensor wrongly');
    }
    if (shape.length !== strides.length) this.refuse('describes a tensor wrongly');
    const last = shape.reduce((sum, side, axis) => sum + (side - 1) * (strides[axis] as number), offset);
    const elements = product(shape);
    // A stride of 0 would make a large tensor of a small storage.
    if (elements > storage.elements || (elements > 0 && last >= storage.elements))
      this.refuse('has a tensor that leaves its storage');
    return new StoredTensor(storage, offset, shape, strides);
  }

  /** In the older format the storages follow the pickles, each with its number of elements before it, in the order of the list of keys. */
  private locate(keys: unknown): void {
    if (!Array.isArray(keys)) this.refuse('lists no storages');
    const view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
    for (const key of keys) {
      const storage = this.storages.get(String(key));
      if (!storage || storage.first !== null)
        this.refuse('lists a storage that no tensor uses, or lists one twice');
      const end = this.position + 8 + storage.elements * (STORAGES[storage.type]?.bytes ?? 0);
      if (end > this.bytes.byteLength) this.refuse('ends in the middle');
      if (view.getBigInt64(this.position, true) !== BigInt(storage.elements))
        this.refuse('has a storage of another size than it says');
      storage.first = this.position + 8;
      this.position = end;
    }
    if (this.position !== this.bytes.byteLength) this.refuse('goes on after its end');
  }

  private tensors(state: unknown): Record<string, NamedTensor> {
    if (!(state instanceof Map)) this.refuse('is no state dict');
    const out: [string, NamedTensor][] = [];
    let elements = 0;
    for (const [key, value] of state) {
      if (typeof key !== 'string' || !(value instanceof StoredTensor)) this.refuse('is no state dict');
      elements += product(value.shape);
      // Tensors may share a storage, but a state dict does not multiply its file.
      if (elements > this.bytes.byteLength) this.refuse('has more tensors than its bytes account for');
      out.push([key, { shape: value.shape, data: this.values(value) }]);
    }
    return Object.fromEntries(out);
  }

  private values({ storage, offset, shape, strides }: StoredTensor): Float32Array {
    const type = STORAGES[storage.type];
    if (storage.first === null || !type) this.refuse('lacks a storage');
    const view = new DataView(
      this.bytes.buffer,
      this.bytes.byteOffset + storage.first,
      storage.elements * type.bytes,
    );
    const data = new Float32Array(product(shape));
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
    return data;
  }

  private refuse(what: string): never {
    throw new CheckpointError({ what, where: this.name, mend: 'Get the file again from its publisher.' });
  }
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
