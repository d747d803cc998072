/** Names and shapes of the official networks, where they are not quite those of ours. */
import type { NetworkConfig } from '../config.js';
import type { ParameterSpecs } from '../networks/parameters.js';
import { networkOf } from '../networks/registry.js';
import type { NetworkName } from '../weights/network-weights.js';

export function officialSpecs(config: NetworkConfig): Record<NetworkName, ParameterSpecs> {
  const network = networkOf(config);
  const generator = network.generatorSpecs(config);
  return { G: generator, D: network.discriminatorSpecs(discriminatorOf(config)), G_ema: generator };
}

/** In the official -r the generator alone has twice the channels; in ours both networks have. */
function discriminatorOf(config: NetworkConfig): NetworkConfig {
  if (config.cfg !== 'stylegan3-r') return config;
  return { ...config, cbase: config.cbase / 2, cmax: config.cmax / 2 };
}
