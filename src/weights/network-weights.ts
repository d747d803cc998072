/** What a file of weights holds, whoever wrote it. */
import type { NamedTensor } from '../nn/formats/safetensors.js';
import type { Channels } from '../gan/config.js';

/** Generator, discriminator, and the average of the generator, which makes the better images. */
export const NETWORKS = ['G', 'D', 'G_ema'] as const;
export type NetworkName = (typeof NETWORKS)[number];

export interface NetworkWeights {
  /** The name of its class in the file; null where a file has none. */
  className: string | null;
  /** Of a generator: what its activations are kept within; null: nothing, or the file cannot say it. */
  clamp: number | null;
  /** What it says of its channels, which shapes have to agree with; null: nothing. */
  stated: Channels | null;
  /** By their names in the official state dicts, `synthesis.b4.const` and the like. */
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
