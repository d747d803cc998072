/**
 * Reads snapshots of StyleGAN2-ADA and StyleGAN3, `network-snapshot-*.pkl`, without executing their
 * content.
 */
import { CheckpointError } from '../core/errors.js';
import { OpaqueObject, type PickleOptions, unpickle } from '../nn/formats/pickle.js';
import { readTorchStorage } from '../nn/formats/torch-file.js';
import type { NamedTensor } from '../nn/formats/safetensors.js';
import { type Refuse, tensorGlobals, TorchTensor } from '../nn/formats/torch-tensors.js';
import type { Channels } from '../gan/config.js';
import { type NetworkWeights, statedChannels, type WeightsFile } from './network-weights.js';
import { officialClamp } from './official-clamp.js';

/** Depth of nested modules; the official networks need four. */
const MAX_DEPTH = 16;
const MAX_MODULES = 10_000;
/**
 * Bytes that calls may create per byte of the file; valid files pass only storages twice, as text
 * and as bytes.
 */
const MADE_PER_BYTE = 2;

/**
 * An object of a persistent class, which the official code would create by executing the included
 * source.
 */
class Persistent {
  constructor(
    readonly className: string,
    readonly state: Map<unknown, unknown>,
  ) {}
}

/**
 * Reads a pickle of `{G, D, G_ema, training_set_kwargs, augment_pipe}`, protocols 2 to 5. Networks
 * are rebuilt from the tensors in their state. The source code in a snapshot is neither executed
 * nor read, and all names except those of tensors, containers and these networks are refused.
 *
 * @param name of the file, for errors
 * @throws CheckpointError when it is corrupt, malicious or not such a snapshot
 */
export function readOfficialSnapshot(bytes: Uint8Array, name: string): WeightsFile {
  const refuse: Refuse = (what) => {
    throw new CheckpointError({
      what,
      where: name,
      hint: 'Give a network-snapshot-*.pkl of StyleGAN2-ADA (PyTorch) or StyleGAN3, as it was published.',
    });
  };
  const { value, end } = unpickle(bytes, 0, rules(name, bytes.byteLength, refuse));
  if (end !== bytes.byteLength) refuse('has data after its end');
  if (!(value instanceof Map)) return refuse('is not a snapshot of networks');
  const networks: WeightsFile['networks'] = {};
  const reader = new StateReader(bytes.byteLength, refuse);
  for (const key of ['G', 'D', 'G_ema'] as const) {
    const network: unknown = value.get(key);
    if (network instanceof Persistent) networks[key] = reader.read(network);
  }
  if (!networks.G && !networks.G_ema) refuse('contains no generator');
  return { format: 'official snapshot', networks };
}

/** Counts the bytes that calls create. */
type Spend = (amount: number) => void;
type Globals = PickleOptions['globals'];

function rules(name: string, fileBytes: number, refuse: Refuse): PickleOptions {
  let budget = MADE_PER_BYTE * fileBytes;
  // A call takes a few bytes of the file and may use the same memoized value each time. Without a
  // limit, a small file could fill the memory.
  const spend = (amount: number) => {
    budget -= amount;
    if (budget < 0) refuse('creates more data by its calls than its size allows');
  };
  return {
    name,
    objects: true,
    onUnlisted: (global) => refuseTensorFlow(global, name),
    globals: {
      ...tensorGlobals(refuse),
      ...torchGlobals(name, refuse, spend),
      ...containerGlobals(refuse, spend),
      ...UNUSED_GLOBALS,
    },
  };
}

/** Dictionaries, sets, bytes and objects of persistent classes. */
function containerGlobals(refuse: Refuse, spend: Spend): Globals {
  const dictionary = (args: unknown[]) =>
    args.length === 0 ? new Map() : refuse('has a filled dictionary where an empty one is meant');
  const set = ([items]: unknown[]) => {
    const members: unknown[] = Array.isArray(items) ? items : [];
    // Strings are compared as a whole.
    for (const member of members) spend(typeof member === 'string' ? Math.max(1, member.length) : 1);
    return new Set(members);
  };
  const latin1 = ([content, codec]: unknown[]) => {
    if (typeof content !== 'string' || codec !== 'latin1') return refuse('has bytes in an unknown encoding');
    spend(content.length);
    return Buffer.from(content, 'latin1');
  };
  return {
    'dnnlib.util EasyDict': dictionary,
    'builtins set': set,
    '__builtin__ set': set,
    // Protocol 2 has no type for bytes: it encodes them as text.
    '_codecs encode': latin1,
    'torch_utils.persistence _reconstruct_persistent_obj': ([meta]) => persistent(meta, refuse),
  };
}

/** Parameters, and storages that are nested as files. */
function torchGlobals(name: string, refuse: Refuse, spend: Spend): Globals {
  const load = ([content]: unknown[]) => {
    if (!(content instanceof Uint8Array)) return refuse('has a storage that does not consist of bytes');
    spend(content.byteLength);
    return readTorchStorage(content, name);
  };
  const parameter = ([tensor]: unknown[]) =>
    tensor instanceof TorchTensor ? tensor : refuse('has an invalid description of a parameter');
  return {
    'torch._utils _rebuild_parameter': parameter,
    'torch._utils _rebuild_parameter_with_state': parameter,
    'torch.storage _load_from_bytes': load,
    'torch Size': ([sizes]) => (Array.isArray(sizes) ? sizes : []),
  };
}

const opaque = (global: string) => [global, () => new OpaqueObject(global)] as const;
const importOnly = (global: string) => [global, null] as const;

/** Sizes and rates of layers as NumPy values, and types: the shapes determine all of them. */
const UNUSED_GLOBALS: Globals = Object.fromEntries([
  ...['numpy.core', 'numpy._core'].flatMap((module) => [
    opaque(`${module}.multiarray _reconstruct`),
    opaque(`${module}.multiarray scalar`),
    opaque(`${module}.numeric _frombuffer`),
  ]),
  opaque('numpy dtype'),
  importOnly('numpy ndarray'),
  opaque('torch device'),
  ...['float16', 'bfloat16', 'float32', 'float64'].map((type) => importOnly(`torch ${type}`)),
]);

/** Networks of StyleGAN and StyleGAN2 for TensorFlow must be converted first. */
function refuseTensorFlow(global: string, name: string): void {
  if (!global.startsWith('dnnlib.tflib.')) return;
  throw new CheckpointError({
    what: `imports "${global.slice(0, 120)}": it is a network of TensorFlow`,
    where: name,
    hint: 'Convert it first, in a checkout of the official PyTorch code: `python legacy.py --source OLD.pkl --dest NEW.pkl`, and give NEW.pkl. That executes its content, so do it only with a file that you trust.',
  });
}

function persistent(meta: unknown, refuse: Refuse): Persistent {
  if (!(meta instanceof Map) || meta.get('type') !== 'class')
    return refuse('has an invalid description of a persistent object');
  const [className, state] = [meta.get('class_name'), meta.get('state') ?? new Map()] as unknown[];
  if (typeof className !== 'string' || !(state instanceof Map))
    return refuse('has an invalid description of a persistent object');
  return new Persistent(className, state as Map<unknown, unknown>);
}

/** Collected content of a network. */
interface Found {
  tensors: [string, NamedTensor][];
  /** Values of `conv_clamp` in its synthesis layers. */
  clamps: Set<unknown>;
}

/** Tensors of nested modules, by their names in PyTorch's state dicts. */
class StateReader {
  private modules = 0;
  private elements = 0;

  constructor(
    private readonly fileBytes: number,
    private readonly refuse: Refuse,
  ) {}

  read(network: Persistent): NetworkWeights {
    const found: Found = { tensors: [], clamps: new Set() };
    this.visit(network.state, '', 0, found);
    if (found.tensors.length === 0) this.refuse('has a network without tensors');
    return {
      className: network.className.slice(0, 80),
      clamp: officialClamp(found.clamps, network.state.get('_init_kwargs'), this.refuse),
      stated: statedOf(network.state),
      tensors: Object.fromEntries(found.tensors),
    };
  }

  private visit(state: Map<unknown, unknown>, prefix: string, depth: number, found: Found): void {
    if (depth > MAX_DEPTH || ++this.modules > MAX_MODULES)
      this.refuse('nests modules deeper than any network');
    if (prefix.startsWith('synthesis.') && state.has('conv_clamp')) found.clamps.add(state.get('conv_clamp'));
    const nonPersistent = state.get('_non_persistent_buffers_set');
    for (const [name, tensor] of [...entries(state, '_parameters'), ...entries(state, '_buffers')]) {
      if (!(tensor instanceof TorchTensor) || (nonPersistent instanceof Set && nonPersistent.has(name)))
        continue;
      // An empty tensor still has a name.
      this.elements += Math.max(1, tensor.elements);
      // Tensors may share a storage, but not multiply the file's size.
      if (this.elements > this.fileBytes) this.refuse('has more tensors than its size allows');
      found.tensors.push([`${prefix}${name}`, tensor.read(this.refuse)]);
    }
    for (const [name, module] of entries(state, '_modules')) {
      if (module instanceof Persistent) this.visit(module.state, `${prefix}${name}.`, depth + 1, found);
    }
  }
}

function entries(state: Map<unknown, unknown>, key: string): [string, unknown][] {
  const map = state.get(key);
  if (!(map instanceof Map)) return [];
  return [...(map as Map<unknown, unknown>)].map(([name, value]) => [String(name).slice(0, 200), value]);
}

/** StyleGAN2-ADA has the channels of its generator among the arguments of the synthesis network. */
function statedOf(state: Map<unknown, unknown>): Channels | null {
  const initArguments = new Map(entries(state, '_init_kwargs'));
  const all = new Map([...entries(initArguments, 'synthesis_kwargs'), ...initArguments]);
  return statedChannels(all.get('channel_base'), all.get('channel_max'));
}
