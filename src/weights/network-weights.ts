/** The content of a file of weights, in any format. */
import type { NamedTensor } from '../nn/formats/safetensors.js';
import type { Channels } from '../gan/config.js';

/**
 * Generator, discriminator, and the moving average of the generator, which generates better images.
 */
export const NETWORKS = ['G', 'D', 'G_ema'] as const;
export type NetworkName = (typeof NETWORKS)[number];

export interface NetworkWeights {
  /** Name of its class in the file; null if the file has none. */
  className: string | null;
  /** Clamp of the activations of a generator; null: none, or unknown. */
  clamp: number | null;
  /** cbase and cmax in the metadata; null: none. */
  stated: Channels | null;
  /** By their names in the official state dicts, for example `synthesis.b4.const`. */
  tensors: Record<string, NamedTensor>;
}

export interface WeightsFile {
  format: 'official snapshot' | 'safetensors' | 'PyTorch state dict';
  networks: Partial<Record<NetworkName, NetworkWeights>>;
}

/** null unless both are sizes. */
export function statedChannels(cbase: unknown, cmax: unknown): Channels | null {
  const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) > 0;
  return isSize(cbase) && isSize(cmax) ? { cbase, cmax } : null;
}
