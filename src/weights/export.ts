/**
 * Exports the weights of a run as one safetensors file, with the names of the official state dicts.
 */
import { encodeSafetensors, type NamedTensor } from '../nn/formats/safetensors.js';
import type { SourceWeights } from './source.js';
import { NETWORKS } from './network-weights.js';

/**
 * Encodes those of `G.*`, `D.*` and `G_ema.*` that the source has, with metadata of the networks.
 */
export function encodeWeights({ networks, config, kimg }: SourceWeights): Uint8Array {
  const tensors: Record<string, NamedTensor> = {};
  for (const name of NETWORKS) {
    for (const [own, tensor] of Object.entries(networks[name] ?? {})) tensors[`${name}.${own}`] = tensor;
  }
  const { discriminator, ...sizes } = config;
  const metadata = { format: 'pt', kimg, ...sizes, ...withPrefix('discriminator.', discriminator ?? {}) };
  return encodeSafetensors(tensors, toStrings(metadata));
}

function withPrefix(prefix: string, sizes: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(sizes).map(([key, value]) => [`${prefix}${key}`, value as unknown]),
  );
}

/** Metadata values are strings. */
function toStrings(values: object): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, String(value)]));
}
