/**
 * Reads files of `torch.save`: zip archives, and the format before version 1.6, a series of
 * pickles.
 */
import { CheckpointError } from '../../core/errors.js';
import { type PickleOptions, unpickle } from './pickle.js';
import type { NamedTensor } from './safetensors.js';
import { isZip, readStoredEntries } from './stored-zip-entries.js';
import { type Refuse, parseStorageId, tensorGlobals, TorchStorage, TorchTensor } from './torch-tensors.js';

/** First object of a file in the older format. */
const MAGIC_NUMBER = 0x1950a86a20f9469cfc6cn;
const PROTOCOL_VERSION = 1001;

/**
 * Every tensor of a state dict, as float32 in C order. Nothing in the file is executed: names other
 * than those of tensors, storages and dictionaries are refused.
 *
 * @param name of the file, for errors
 * @throws CheckpointError when it is damaged, hostile or of another format
 */
export function readPytorchFile(bytes: Uint8Array, name: string): Record<string, NamedTensor> {
  return new PytorchFile(bytes, name).stateDict();
}

/**
 * The one storage that was saved by itself, as tensors inside of a plain pickle are:
 * `torch.storage._load_from_bytes`.
 *
 * @param name of the file that it is in, for errors
 * @throws CheckpointError when it is damaged, hostile or holds something else
 */
export function readTorchStorage(bytes: Uint8Array, name: string): TorchStorage {
  return new PytorchFile(bytes, name).storage();
}

class PytorchFile {
  private readonly storages = new Map<string, TorchStorage>();
  private position = 0;
  private readonly refuse: Refuse = (what) => {
    throw new CheckpointError({ what, where: this.name, hint: 'Get the file again from its publisher.' });
  };

  constructor(
    private readonly bytes: Uint8Array,
    private readonly name: string,
  ) {}

  stateDict(): Record<string, NamedTensor> {
    const state = this.value();
    if (!(state instanceof Map)) this.refuse('is no state dict');
    const out: [string, NamedTensor][] = [];
    let elements = 0;
    for (const [key, value] of state) {
      if (typeof key !== 'string' || !(value instanceof TorchTensor)) this.refuse('is no state dict');
      elements += value.elements;
      // Tensors may share a storage, but a state dict does not multiply its file.
      if (elements > this.bytes.byteLength) this.refuse('has more tensors than its bytes account for');
      out.push([key, value.read(this.refuse)]);
    }
    return Object.fromEntries(out);
  }

  storage(): TorchStorage {
    const value = this.value();
    return value instanceof TorchStorage ? value : this.refuse('has a storage that is none');
  }

  private value(): unknown {
    return isZip(this.bytes) ? this.archive() : this.pickles();
  }

  /** `NAME/data.pkl`, the value, and `NAME/data/KEY`, the raw bytes of every storage. */
  private archive(): unknown {
    const files = readStoredEntries(this.bytes, this.refuse);
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
      if (content.byteLength !== storage.bytes) this.refuse('has a storage of another size than it says');
      storage.data = content;
    }
    return value;
  }

  /** Magic number, version, system, value, keys of the storages, then their raw bytes. */
  private pickles(): unknown {
    const plain: PickleOptions = { name: this.name, globals: {} };
    if (this.next(plain) !== MAGIC_NUMBER) this.refuse('is no PyTorch file');
    if (this.next(plain) !== PROTOCOL_VERSION) this.refuse('is of another version of the format');
    const system = this.next(plain);
    if (!(system instanceof Map) || system.get('little_endian') !== true)
      this.refuse('was written on a big-endian machine');
    const value = this.next(this.rules());
    this.locate(this.next(plain));
    return value;
  }

  private next(rules: PickleOptions): unknown {
    const { value, end } = unpickle(this.bytes, this.position, rules);
    this.position = end;
    return value;
  }

  private rules(): PickleOptions {
    return {
      name: this.name,
      globals: tensorGlobals(this.refuse),
      persistentLoad: (id) => this.listed(parseStorageId(id, this.refuse)),
    };
  }

  /** The storage of that key, which may be described many times, but in one way. */
  private listed(described: TorchStorage): TorchStorage {
    const storage = this.storages.get(described.key) ?? described;
    if (storage.type !== described.type || storage.elements !== described.elements)
      this.refuse('describes one storage in two ways');
    this.storages.set(storage.key, storage);
    return storage;
  }

  /**
   * In the older format the storages follow the pickles, each with its number of elements before
   * it, in the order of the list of keys.
   */
  private locate(keys: unknown): void {
    if (!Array.isArray(keys)) this.refuse('lists no storages');
    const view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
    for (const key of keys) {
      const storage = this.storages.get(String(key));
      if (!storage || storage.data !== null)
        this.refuse('lists a storage that no tensor uses, or lists one twice');
      const end = this.position + 8 + storage.bytes;
      if (end > this.bytes.byteLength) this.refuse('ends in the middle');
      if (view.getBigInt64(this.position, true) !== BigInt(storage.elements))
        this.refuse('has a storage of another size than it says');
      storage.data = this.bytes.subarray(this.position + 8, end);
      this.position = end;
    }
    if (this.position !== this.bytes.byteLength) this.refuse('goes on after its end');
  }
}
