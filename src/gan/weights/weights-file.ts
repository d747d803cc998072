/** Files of StyleGAN weights, whoever wrote them: which networks they hold, under which names. */
import { CheckpointError } from '../../core/errors.js';
import { readPytorchFile } from '../../nn/pytorch-file.js';
import { decodeSafetensors, type NamedTensor, safetensorsMetadata } from '../../nn/safetensors.js';
import { isZip } from '../../nn/stored-files.js';
import { NETWORKS, type NetworkName, type Settings, type WeightsFile } from './network-weights.js';
import { readOfficialSnapshot } from './official-snapshot.js';

/**
 * Reads `.pkl` snapshots of StyleGAN2-ADA (PyTorch) and StyleGAN3, `.safetensors`, and state dicts saved by PyTorch. What a file is
 * shows in its first bytes, not in its name.
 *
 * @param name of the file, for errors
 * @throws CheckpointError when it is damaged, hostile, or holds no generator or discriminator
 */
export function readWeightsFile(bytes: Uint8Array, name: string): WeightsFile {
  if (isSafetensors(bytes)) {
    const settings = exportedSettings(safetensorsMetadata(bytes, name));
    return { format: 'safetensors', networks: byPrefix(decodeSafetensors(bytes, name), name, settings) };
  }
  if (isZip(bytes) || isOldPytorch(bytes)) {
    return { format: 'PyTorch state dict', networks: byPrefix(readPytorchFile(bytes, name), name) };
  }
  if (bytes[0] === PROTO) return readOfficialSnapshot(bytes, name);
  throw new CheckpointError({
    what: 'is neither a snapshot of StyleGAN2-ADA or StyleGAN3 nor a safetensors file',
    where: name,
    mend: 'Give a network-snapshot-*.pkl (PyTorch) or a .safetensors file.',
  });
}

/** The instruction that every binary pickle begins with. */
const PROTO = 0x80;

/** Eight bytes of size, then JSON. */
function isSafetensors(bytes: Uint8Array): boolean {
  return bytes.byteLength > 8 && bytes[8] === 0x7b && bytes[7] === 0 && bytes[6] === 0;
}

/** PROTO 2, LONG1 of ten bytes: the magic number of files before PyTorch 1.6. */
function isOldPytorch(bytes: Uint8Array): boolean {
  return bytes[0] === PROTO && bytes[1] === 2 && bytes[2] === 0x8a && bytes[3] === 0x0a;
}

/** What an export of ours says of its networks, under the names that official snapshots have for it. */
function exportedSettings(metadata: Record<string, unknown>): Record<NetworkName, Settings> {
  const settings = (names: Record<string, string>): Settings => {
    const numbers = Object.entries(names).map(([name, key]) => [name, Number(metadata[key])] as const);
    return Object.fromEntries(numbers.filter(([, value]) => value > 0));
  };
  const generator = settings({ conv_clamp: 'clamp', channel_base: 'cbase', channel_max: 'cmax' });
  const own = settings({ channel_base: 'discriminator.cbase', channel_max: 'discriminator.cmax' });
  return { G: generator, D: { ...generator, ...own }, G_ema: generator };
}

/** `G.synthesis.b4.const` belongs to G; without any such prefix, names tell a generator from a discriminator. */
function byPrefix(
  tensors: Record<string, NamedTensor>,
  name: string,
  settings: Partial<Record<NetworkName, Settings>> = {},
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
    if (own.length === 0) continue;
    found[network] = {
      className: null,
      settings: settings[network] ?? {},
      tensors: Object.fromEntries(own),
    };
  }
  if (Object.keys(found).length > 0) return found;
  throw new CheckpointError({
    what: 'holds tensors, but none of a StyleGAN generator or discriminator',
    where: name,
    mend: 'Its names must be those of the official state dicts, `G.`, `D.` or `G_ema.` before them.',
  });
}
