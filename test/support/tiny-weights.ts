/** The StyleGAN2 of 8 px of the weights fixtures: each value is a function of the tensor's name. */
import { type NetworkConfig, resolveNetworkConfig } from '../../src/gan/config.js';
import { initialValues } from '../../src/gan/networks/parameters.js';
import { networkSpecs } from '../../src/gan/networks/registry.js';
import type { NamedTensor } from '../../src/nn/formats/safetensors.js';

export const TINY_CONFIG = resolveNetworkConfig({
  cfg: 'stylegan2',
  resolution: 8,
  channels: 1,
  classes: 0,
  zDim: 4,
  wDim: 4,
  mapDepth: 2,
  cbase: 32,
  cmax: 8,
});

/** `G.*`, `D.*` and `G_ema.*`. */
export function tinyWeights(config: NetworkConfig = TINY_CONFIG, seed = 5): Record<string, NamedTensor> {
  const tensors = Object.entries(networkSpecs(config)).flatMap(([prefix, specs]) =>
    Object.entries(specs).map(([name, spec]) => {
      const full = `${prefix}.${name}`;
      const values = initialValues(spec, seed, full);
      const size = spec.shape.reduce((product, side) => product * side, 1);
      const data = typeof values === 'number' ? new Float32Array(size).fill(values) : values;
      return [full, { shape: spec.shape, data }] as const;
    }),
  );
  return Object.fromEntries(tensors);
}

/** The same, network by network. */
export function tinyNetworks(
  config: NetworkConfig,
): Record<'G' | 'D' | 'G_ema', Record<string, NamedTensor>> {
  const all = Object.entries(tinyWeights(config));
  const own = (network: string) =>
    Object.fromEntries(
      all.flatMap(([name, tensor]) =>
        name.startsWith(`${network}.`) ? [[name.slice(network.length + 1), tensor] as const] : [],
      ),
    );
  return { G: own('G'), D: own('D'), G_ema: own('G_ema') };
}
