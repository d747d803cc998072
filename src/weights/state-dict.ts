/** Reads state dicts of safetensors and PyTorch, which their first bytes tell apart. */
import { CheckpointError } from '../core/errors.js';
import { decodeSafetensors, type NamedTensor } from '../nn/formats/safetensors.js';
import { isZip } from '../nn/formats/stored-zip-entries.js';
import { readPytorchFile } from '../nn/formats/torch-file.js';

export type StateDictFormat = 'safetensors' | 'PyTorch state dict';

/** The first instruction of every binary pickle. */
export const PROTO = 0x80;

/** The format of a state dict; null for other files. */
export function stateDictFormat(bytes: Uint8Array): StateDictFormat | null {
  if (isSafetensors(bytes)) return 'safetensors';
  return isZip(bytes) || isLegacyPytorch(bytes) ? 'PyTorch state dict' : null;
}

/**
 * All tensors of a file.
 *
 * @param name of the file, for errors
 * @throws CheckpointError when it is corrupt, malicious or has another format
 */
export function readStateDict(bytes: Uint8Array, name: string): Record<string, NamedTensor> {
  const format = stateDictFormat(bytes);
  if (format === 'safetensors') return decodeSafetensors(bytes, name);
  if (format === 'PyTorch state dict') return readPytorchFile(bytes, name);
  throw new CheckpointError({
    what: 'is neither a state dict of PyTorch nor a safetensors file',
    where: name,
    hint: 'Give a .pth, .pt or .safetensors file as it was published.',
  });
}

/** Eight bytes for the size of the header, then JSON. */
function isSafetensors(bytes: Uint8Array): boolean {
  return bytes.byteLength > 8 && bytes[8] === 0x7b && bytes[7] === 0 && bytes[6] === 0;
}

/** PROTO 2, LONG1 of ten bytes: the magic number of files of PyTorch before 1.6. */
function isLegacyPytorch(bytes: Uint8Array): boolean {
  return bytes[0] === PROTO && bytes[1] === 2 && bytes[2] === 0x8a && bytes[3] === 0x0a;
}
