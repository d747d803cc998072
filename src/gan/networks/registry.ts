/** The network families: one entry for each `cfg`. */
import type { NetworkConfig, NetworkFamily } from '../config.js';
import type { Network } from './network.js';
import type { ParameterSpecs } from './parameters.js';
import { stylegan2 } from './stylegan2/index.js';
import { stylegan3 } from './stylegan3/index.js';

const FAMILIES: Record<NetworkFamily, Network> = {
  stylegan2,
  'stylegan3-t': stylegan3,
  'stylegan3-r': stylegan3,
};

/** The networks of a configuration. */
export function networkOf(config: Pick<NetworkConfig, 'cfg'>): Network {
  return FAMILIES[config.cfg];
}

/**
 * Specifications of the networks of a training: generator, discriminator, and averaged generator.
 */
export function networkSpecs(config: NetworkConfig): Record<'G' | 'D' | 'G_ema', ParameterSpecs> {
  const network = networkOf(config);
  const generator = network.generatorSpecs(config);
  return { G: generator, D: network.discriminatorSpecs(config), G_ema: generator };
}

/** Whether a name, from a file or a checkpoint, is that of a family. */
export function isNetworkFamily(name: string): name is NetworkFamily {
  return Object.hasOwn(FAMILIES, name);
}
