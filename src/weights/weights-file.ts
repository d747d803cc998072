/** Reads files of StyleGAN weights in any supported format. */
import { CheckpointError } from '../core/errors.js';
import { type NamedTensor, safetensorsMetadata } from '../nn/formats/safetensors.js';
import {
  NETWORKS,
  type NetworkName,
  type NetworkWeights,
  statedChannels,
  type WeightsFile,
} from './network-weights.js';
import { readOfficialSnapshot } from './official-snapshot.js';
import { PROTO, readStateDict, stateDictFormat } from './state-dict.js';

/**
 * Reads `.pkl` snapshots of StyleGAN2-ADA (PyTorch) and StyleGAN3, `.safetensors`, and state dicts
 * saved by PyTorch. The first bytes of a file determine its format, not its name.
 *
 * @param name of the file, for errors
 * @throws CheckpointError when it is corrupt or malicious, or has no generator or discriminator
 */
export function readWeightsFile(bytes: Uint8Array, name: string): WeightsFile {
  const format = stateDictFormat(bytes);
  if (format !== null) {
    const tensors = readStateDict(bytes, name);
    const stated = format === 'safetensors' ? exported(safetensorsMetadata(bytes, name)) : undefined;
    return { format, networks: byPrefix(tensors, name, stated) };
  }
  if (bytes[0] === PROTO) return readOfficialSnapshot(bytes, name);
  if (isOldPickle(bytes)) {
    throw new CheckpointError({
      what: 'is a pickle of the old protocol 0 or 1; weights are expected in protocols 2 to 5, so it was not read',
      where: name,
      hint: 'Give a network-snapshot-*.pkl as it was published. If you trust this file, write it again in Python with `pickle.dump(..., protocol=4)`.',
    });
  }
  throw new CheckpointError({
    what: 'is neither a snapshot of StyleGAN2-ADA or StyleGAN3 nor a safetensors file',
    where: name,
    hint: 'Give a network-snapshot-*.pkl (PyTorch) or a .safetensors file.',
  });
}

/**
 * Protocols 0 and 1 have no marker: they start with an import, a memoized list or dictionary,
 * perhaps in a tuple.
 */
function isOldPickle(bytes: Uint8Array): boolean {
  const start = Buffer.from(bytes.subarray(0, 200)).toString('latin1');
  return /^\(*(?:[ci][\w.]+\r?\n[\w.]+\r?\n|[dl]p\d+\r?\n|[\]}]q)/.test(start);
}

/** Properties that cannot be inferred from tensors. */
type Stated = Pick<NetworkWeights, 'clamp' | 'stated'>;

/**
 * Reads the metadata of GIST's exports, which include the discriminator's sizes if they differ from
 * those of the generator.
 */
function exported(metadata: Record<string, unknown>): (network: NetworkName) => Stated {
  const channels = (prefix: string) =>
    statedChannels(Number(metadata[`${prefix}cbase`]), Number(metadata[`${prefix}cmax`]));
  const clamp = Number(metadata.clamp);
  return (network) => ({
    clamp: clamp > 0 ? clamp : null,
    stated: (network === 'D' ? channels('discriminator.') : null) ?? channels(''),
  });
}

/**
 * `G.synthesis.b4.const` belongs to G; without such a prefix, the names distinguish a generator
 * from a discriminator.
 */
function byPrefix(
  tensors: Record<string, NamedTensor>,
  name: string,
  stated: (network: NetworkName) => Stated = () => ({ clamp: null, stated: null }),
): WeightsFile['networks'] {
  const names = Object.keys(tensors);
  const bare = names.some((tensor) => tensor.startsWith('synthesis.'))
    ? 'G_ema'
    : names.includes('b4.fc.weight')
      ? 'D'
      : null;
  const found: WeightsFile['networks'] = {};
  for (const network of NETWORKS) {
    const own = Object.entries(tensors).flatMap(([full, tensor]) => {
      if (full.startsWith(`${network}.`)) return [[full.slice(network.length + 1), tensor] as const];
      const isBare = network === bare && !NETWORKS.some((other) => full.startsWith(`${other}.`));
      return isBare ? [[full, tensor] as const] : [];
    });
    if (own.length > 0)
      found[network] = { className: null, ...stated(network), tensors: Object.fromEntries(own) };
  }
  if (Object.keys(found).length > 0) return found;
  throw new CheckpointError({
    what: 'contains tensors, but none of a StyleGAN generator or discriminator',
    where: name,
    hint: 'Its names must be those of the official state dicts, `G.`, `D.` or `G_ema.` before them.',
  });
}
