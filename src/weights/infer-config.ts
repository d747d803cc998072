/** Infers the sizes of a StyleGAN from the names and shapes of its tensors. */
import { CheckpointError, SpecError } from '../core/errors.js';
import type { NamedTensor } from '../nn/formats/safetensors.js';
import {
  type Channels,
  channelsAt,
  type NetworkConfig,
  type NetworkSettings,
  resolveNetworkConfig,
} from '../gan/config.js';
import type { ParameterSpecs } from '../gan/networks/parameters.js';
import { networkOf } from '../gan/networks/registry.js';
import { signalChannels } from '../gan/networks/stylegan3/layer-plans.js';
import { inferChannels, type LayerWidth, type NetworkWidths } from './infer-channels.js';
import type { NetworkWeights } from './network-weights.js';

type Tensors = Record<string, NamedTensor>;

/**
 * The configuration whose generator has exactly these parameters; buffers may be missing. If shapes
 * do not determine cbase and cmax, the stated values are used if they fit; otherwise they are
 * chosen so that the discriminator fits too.
 *
 * @param discriminator that came with the generator
 * @param name of the file, for errors
 * @throws CheckpointError that names the first different tensor, when it has another architecture
 */
export function inferConfig(
  generator: NetworkWeights,
  discriminator: NetworkWeights | undefined,
  name: string,
): NetworkConfig {
  const { tensors, clamp } = generator;
  const isStyle3 = Object.keys(tensors).some((key) => key.startsWith('synthesis.input.'));
  const form = isStyle3 ? stylegan3Form(tensors) : stylegan2Form(tensors);
  if (!form) throw otherArchitecture('it has no tensors that define its resolution', name);
  const { layers, ...sizes } = form;
  const channels = inferChannels({
    resolution: sizes.resolution,
    generator: { layers, stated: generator.stated },
    discriminator: discriminator ? discriminatorWidths(discriminator, sizes.resolution) : null,
    mayBeWider: sizes.cfg === 'stylegan3-r',
  });
  const config = resolved({ ...sizes, ...mappingSettings(tensors), ...channels, clamp });
  if (!config) throw otherArchitecture('its sizes are not those of any published network', name);
  const difference = firstDifference(tensors, networkOf(config).generatorSpecs(config));
  if (difference !== null) throw otherArchitecture(difference, name);
  return config;
}

function otherArchitecture(what: string, name: string): CheckpointError {
  return new CheckpointError({
    what: `is of another architecture: ${what}`,
    where: name,
    hint: 'Networks of StyleGAN2, StyleGAN2-ADA and StyleGAN3 in their published forms can be read.',
  });
}

/** The first difference between tensors and the specifications of a network, or null. */
export function firstDifference(tensors: Tensors, specs: ParameterSpecs): string | null {
  for (const [name, { shape, trainable }] of Object.entries(specs)) {
    const given = tensors[name];
    if (!given && trainable) return `it lacks ${name}`;
    if (given && !sameShape(given.shape, shape))
      return `${name} is [${given.shape.join(', ')}] instead of [${shape.join(', ')}]`;
  }
  const extra = Object.keys(tensors).find((name) => !Object.hasOwn(specs, name));
  return extra === undefined ? null : `it has ${extra.slice(0, 80)}`;
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((side, i) => side === b[i]);
}

/**
 * Sizes that names and shapes of a generator determine, and the layers from which cbase and cmax
 * are inferred.
 */
interface Form extends Pick<NetworkSettings, 'cfg' | 'resolution' | 'channels'> {
  /** In order of resolution. */
  layers: LayerWidth[];
}

/** null when a size is impossible. */
function resolved(settings: NetworkSettings): NetworkConfig | null {
  try {
    return resolveNetworkConfig(settings);
  } catch (error) {
    if (error instanceof SpecError) return null;
    throw error;
  }
}

/** Side `axis` of a tensor; NaN, which no configuration takes, where there is none. */
function side(tensors: Tensors, name: string, axis: number): number {
  return tensors[name]?.shape[axis] ?? Number.NaN;
}

function count(tensors: Tensors, pattern: RegExp): number {
  return Object.keys(tensors).filter((name) => pattern.test(name)).length;
}

function mappingSettings(tensors: Tensors): Pick<NetworkSettings, 'zDim' | 'wDim' | 'mapDepth' | 'classes'> {
  const wDim = side(tensors, 'mapping.fc0.weight', 0);
  const isConditional = 'mapping.embed.weight' in tensors;
  return {
    wDim,
    zDim: side(tensors, 'mapping.fc0.weight', 1) - (isConditional ? wDim : 0),
    mapDepth: count(tensors, /^mapping\.fc\d+\.weight$/),
    classes: isConditional ? side(tensors, 'mapping.embed.weight', 1) : 0,
  };
}

/** Resolutions in the names of blocks, ascending: 4, 8, ... */
function blocksOf(tensors: Tensors, pattern: RegExp): number[] {
  const sides = Object.keys(tensors).map((name) => Number(pattern.exec(name)?.[1] ?? 0));
  return [...new Set(sides)].filter((at) => at >= 4).sort((a, b) => a - b);
}

function blockWidth(at: number, channels: number): LayerWidth {
  return { channels, at: (sizes) => channelsAt(sizes, at) };
}

function stylegan2Form(tensors: Tensors): Form | null {
  const blocks = blocksOf(tensors, /^synthesis\.b(\d+)\./);
  const resolution = blocks.at(-1) ?? 0;
  if (resolution < 8) return null;
  return {
    cfg: 'stylegan2',
    resolution,
    channels: side(tensors, `synthesis.b${resolution}.torgb.weight`, 0),
    layers: blocks.map((at) => blockWidth(at, side(tensors, `synthesis.b${at}.conv1.weight`, 0))),
  };
}

/** The discriminator is StyleGAN2's in every configuration. */
function discriminatorWidths(network: NetworkWeights, resolution: number): NetworkWidths {
  const { tensors } = network;
  const blocks = blocksOf(tensors, /^b(\d+)\./).filter((at) => at <= resolution);
  const layers = blocks.map((at) =>
    blockWidth(at, side(tensors, at === 4 ? 'b4.conv.weight' : `b${at}.conv0.weight`, 0)),
  );
  return { layers, stated: network.stated };
}

/**
 * Layers are named `L<index>_<size>_<channels>`, the last one by the images themselves. Karras et
 * al. 2021, section 3 and appendix D. Kernels of 1x1 distinguish configuration R from T.
 */
function stylegan3Form(tensors: Tensors): Form | null {
  const layers = Object.keys(tensors)
    .map((name) => /^synthesis\.(L(\d+)_(\d+)_(\d+))\.weight$/.exec(name))
    .filter((match) => match !== null)
    .map(([tensor, , index, size, channels]) => ({
      tensor,
      index: +`${index}`,
      size: +`${size}`,
      channels: +`${channels}`,
    }))
    .sort((a, b) => a.index - b.index);
  const [last, first] = [layers.at(-1), layers[0]];
  if (!last || !first || layers.length < 2) return null;
  const { size: resolution, channels } = last;
  const widths = layers.slice(0, -1).map(({ tensor, index }) => ({
    channels: side(tensors, tensor, 0),
    at: (sizes: Channels) => signalChannels(sizes, resolution, index),
  }));
  const cfg = side(tensors, first.tensor, 2) === 1 ? 'stylegan3-r' : 'stylegan3-t';
  return { cfg, resolution, channels, layers: widths };
}
