/** What a file of weights holds, whoever wrote it. */
import type { NamedTensor } from '../../nn/safetensors.js';

/** Generator, discriminator, and the average of the generator, which makes the better images. */
export const NETWORKS = ['G', 'D', 'G_ema'] as const;
export type NetworkName = (typeof NETWORKS)[number];

export type Settings = Record<string, number | string | boolean>;

export interface NetworkWeights {
  /** The name of its class in the file; null where a file has none. */
  className: string | null;
  /** What it was made with, as the file says it: only a hint, which shapes have to agree with. */
  settings: Settings;
  /** By their names in the official state dicts, `synthesis.b4.const` and the like. */
  tensors: Record<string, NamedTensor>;
}

export interface WeightsFile {
  format: 'official snapshot' | 'safetensors' | 'PyTorch state dict';
  networks: Partial<Record<NetworkName, NetworkWeights>>;
}
