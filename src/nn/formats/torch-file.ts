/**
 * Reads files of `torch.save`: zip archives, and the format before version 1.6, a series of
 * pickles.
 */
import { CheckpointError } from '../../core/errors.js';
import { type PickleOptions, unpickle } from './pickle.js';
import type { NamedTensor } from './safetensors.js';
import { isZip, readStoredEntries } from './stored-zip-entries.js';
import {
  type Refuse,
  parameterGlobals,
  parseStorageId,
  tensorGlobals,
  TorchStorage,
  TorchTensor,
} from './torch-tensors.js';

/** First object of a file in the legacy format. */
const MAGIC_NUMBER = 0x1950a86a20f9469cfc6cn;
const PROTOCOL_VERSION = 1001;

/**
 * All tensors of a state dict, as float32 in C order. Executes no code of the file: globals other
 * than those of tensors, storages and dictionaries are refused.
 *
 * @param name of the file, for errors
 * @throws CheckpointError if the file is corrupt, malicious or has another format
 */
export function readPytorchFile(bytes: Uint8Array, name: string): Record<string, NamedTensor> {
  return new PytorchFile(bytes, name).stateDict();
}

/**
 * Reads a single saved storage, the argument of `torch.storage._load_from_bytes` in plain pickles
 * of tensors.
 *
 * @param name of the file that contains it, for errors
 * @throws CheckpointError if it is corrupt, malicious or not a storage
 */
export function readTorchStorage(bytes: Uint8Array, name: string): TorchStorage {
  return new PytorchFile(bytes, name).storage();
}

class PytorchFile {
  private readonly storages = new Map<string, TorchStorage>();
  private position = 0;
  private readonly refuse: Refuse = (what) => {
    throw new CheckpointError({
      what,
      where: this.name,
      hint: 'Download the file again from its publisher.',
    });
  };

  constructor(
    private readonly bytes: Uint8Array,
    private readonly name: string,
  ) {}

  stateDict(): Record<string, NamedTensor> {
    const state = this.value();
    if (!(state instanceof Map)) this.refuse('is not a state dict');
    const out: [string, NamedTensor][] = [];
    let elements = 0;
    for (const [key, value] of state) {
      if (typeof key !== 'string' || !(value instanceof TorchTensor)) this.refuse('is not a state dict');
      elements += value.elements;
      // Tensors may share a storage, but this must not multiply the size of the file.
      if (elements > this.bytes.byteLength) this.refuse('has more tensor elements than bytes');
      out.push([key, value.read(this.refuse)]);
    }
    return Object.fromEntries(out);
  }

  storage(): TorchStorage {
    const value = this.value();
    return value instanceof TorchStorage ? value : this.refuse('is not a storage');
  }

  private value(): unknown {
    return isZip(this.bytes) ? this.archive() : this.legacyFile();
  }

  /** `NAME/data.pkl` contains the value, and `NAME/data/KEY` the raw bytes of each storage. */
  private archive(): unknown {
    const files = readStoredEntries(this.bytes, this.refuse);
    const pickles = [...files.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name));
    const [pickle] = pickles;
    if (pickle === undefined || pickles.length > 1) this.refuse('is an archive, but not a PyTorch file');
    const folder = pickle.slice(0, -'data.pkl'.length);
    const order = files.get(`${folder}byteorder`);
    if (order && Buffer.from(order).toString() !== 'little')
      this.refuse('was written on a big-endian machine');
    const { value } = unpickle(files.get(pickle) as Uint8Array, 0, this.options());
    for (const storage of this.storages.values()) {
      const content = files.get(`${folder}data/${storage.key}`);
      if (!content) this.refuse('has no data for a storage');
      if (content.byteLength !== storage.bytes) this.refuse('has a storage of the wrong size');
      storage.data = content;
    }
    return value;
  }

  /**
   * Legacy format: magic number, version, system, value, keys of the storages, then their raw
   * bytes.
   */
  private legacyFile(): unknown {
    const plain: PickleOptions = { name: this.name, globals: {} };
    if (this.next(plain) !== MAGIC_NUMBER) this.refuse('is not a PyTorch file');
    if (this.next(plain) !== PROTOCOL_VERSION) this.refuse('has another version of the format');
    const system = this.next(plain);
    if (!(system instanceof Map) || system.get('little_endian') !== true)
      this.refuse('was written on a big-endian machine');
    const value = this.next(this.options());
    this.readStorages(this.next(plain));
    return value;
  }

  private next(options: PickleOptions): unknown {
    const { value, end } = unpickle(this.bytes, this.position, options);
    this.position = end;
    return value;
  }

  private options(): PickleOptions {
    return {
      name: this.name,
      globals: { ...tensorGlobals(this.refuse), ...parameterGlobals(this.refuse) },
      mayHaveAttributes: (value) => value instanceof TorchTensor,
      persistentLoad: (id) => this.register(parseStorageId(id, this.refuse)),
    };
  }

  /** The storage with a key. All descriptions of a storage must be equal. */
  private register(described: TorchStorage): TorchStorage {
    const storage = this.storages.get(described.key) ?? described;
    if (storage.type !== described.type || storage.elements !== described.elements)
      this.refuse('has different descriptions of one storage');
    this.storages.set(storage.key, storage);
    return storage;
  }

  /**
   * Reads the storages of the legacy format. They follow the pickles in the order of the list of
   * keys, each preceded by its number of elements.
   */
  private readStorages(keys: unknown): void {
    if (!Array.isArray(keys)) this.refuse('has no list of storages');
    const view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
    for (const key of keys) {
      const storage = this.storages.get(String(key));
      if (!storage || storage.data !== null) this.refuse('lists an unused storage, or a storage twice');
      const end = this.position + 8 + storage.bytes;
      if (end > this.bytes.byteLength) this.refuse('is truncated');
      if (view.getBigInt64(this.position, true) !== BigInt(storage.elements))
        this.refuse('has a storage of the wrong size');
      storage.data = this.bytes.subarray(this.position + 8, end);
      this.position = end;
    }
    if (this.position !== this.bytes.byteLength) this.refuse('has data after its end');
  }
}
