/** Configuration of the networks: their family, sizes and precision. */
import { SpecError } from '../core/errors.js';
import type { HalfType } from '../nn/ops/half.js';

/** Network families; each has an entry in `networks/registry.ts`. */
export type NetworkFamily = 'stylegan2' | 'stylegan3-t' | 'stylegan3-r';

/**
 * What determines the channels at each resolution. A type alias is assignable to JSON, an interface
 * is not.
 */
export type Channels = { readonly cbase: number; readonly cmax: number };

/** What determines the parameters of the generator and the discriminator, and what they compute. */
export interface NetworkConfig {
  readonly cfg: NetworkFamily;
  /** Side of the square images: a power of two, 8...1024. */
  readonly resolution: number;
  /** 1: gray, 3: RGB. */
  readonly channels: 1 | 3;
  /** Length of a one-hot label (cDim); 0: unconditional. */
  readonly classes: number;
  /** Length of the latent z. */
  readonly zDim: number;
  /** Length of the intermediate latent w. */
  readonly wDim: number;
  /** Layers of the generator's mapping network. */
  readonly mappingLayers: number;
  /** Channels at a resolution: min(cbase / resolution, cmax). */
  readonly cbase: number;
  readonly cmax: number;
  /** Channels of the discriminator, where they differ from those above. */
  readonly discriminator?: Channels;
  /**
   * Activations are clamped to +-clamp, which prevents overflow of half precision; null: no clamp.
   */
  readonly clamp: number | null;
  /**
   * Type of the features at the highest resolutions while training; null: single precision
   * everywhere.
   */
  readonly half: HalfType | null;
}

/** Settings of the networks; omitted ones have their published values. */
export interface NetworkSettings {
  cfg: NetworkFamily;
  resolution: number;
  channels: number;
  classes: number;
  zDim?: number;
  wDim?: number;
  /** Layers of the mapping network. */
  mapDepth?: number;
  cbase?: number;
  cmax?: number;
  /** Channels of the discriminator, where they differ from those above. */
  discriminator?: Channels;
  /** Default: null, as published for single precision. */
  clamp?: number | null;
  /** Default: null, single precision. */
  half?: HalfType | null;
}

/**
 * The smallest images that have at least one upsampling block; the cutoffs of StyleGAN3 need more.
 */
const MIN_RESOLUTION: Record<NetworkFamily, number> = { stylegan2: 8, 'stylegan3-t': 16, 'stylegan3-r': 16 };
const MAX_RESOLUTION = 1024;

/**
 * Resolves settings to a configuration.
 *
 * Defaults: z and w 512, 8 mapping layers, cbase 32768, cmax 512 (Karras et al. 2020, configuration
 * F).
 *
 * @throws SpecError for an invalid size.
 */
export function resolveNetworkConfig(settings: NetworkSettings): NetworkConfig {
  const { cfg, resolution, channels, classes } = settings;
  const power = Math.log2(resolution);
  const minimum = MIN_RESOLUTION[cfg];
  if (!Number.isInteger(power) || resolution < minimum || resolution > MAX_RESOLUTION) {
    throw invalidValue('resolution', resolution, `a power of two, ${minimum}...${MAX_RESOLUTION}`);
  }
  if (channels !== 1 && channels !== 3) throw invalidValue('channels', channels, '1 (gray) or 3 (RGB)');
  if (!Number.isInteger(classes) || classes < 0)
    throw invalidValue('classes', classes, 'an integer, 0 or more');
  const { zDim = 512, wDim = 512, mapDepth = 8, cbase = 32_768, cmax = 512 } = settings;
  const { clamp = null, half = null, discriminator } = settings;
  checkPositiveIntegers({ zDim, wDim, mapDepth });
  // Checked first: where the two differ, the user has set the values of the discriminator.
  if (discriminator) checkChannels(discriminator, resolution);
  checkChannels({ cbase, cmax }, resolution);
  return {
    cfg,
    resolution,
    channels,
    classes,
    zDim,
    wDim,
    mappingLayers: mapDepth,
    cbase,
    cmax,
    clamp,
    half,
    ...(discriminator && { discriminator }),
  };
}

function checkPositiveIntegers(values: Record<string, number>): void {
  for (const [name, value] of Object.entries(values)) {
    if (!Number.isInteger(value) || value < 1) throw invalidValue(name, value, 'an integer, 1 or more');
  }
}

/** With a smaller cbase the highest resolution would have no channels. */
function checkChannels({ cbase, cmax }: Channels, resolution: number): void {
  checkPositiveIntegers({ cbase, cmax });
  if (cbase < resolution) throw invalidValue('cbase', cbase, `at least the resolution, ${resolution}`);
}

function invalidValue(key: string, value: number, allowed: string): SpecError {
  return new SpecError({
    what: `${key} cannot be ${value}`,
    where: `train.${key}`,
    hint: `Allowed: ${allowed}.`,
  });
}

/** Channels of the features at a resolution. */
export function channelsAt({ cbase, cmax }: Channels, resolution: number): number {
  return Math.min(Math.floor(cbase / resolution), cmax);
}

/** Channels of the discriminator's features at a resolution. */
export function discriminatorChannelsAt(config: NetworkConfig, resolution: number): number {
  return channelsAt(config.discriminator ?? config, resolution);
}

/** Resolutions of the blocks: 4, 8, ... up to that of the images. */
export function blockResolutions(config: Pick<NetworkConfig, 'resolution'>): number[] {
  const count = Math.log2(config.resolution) - 1;
  return Array.from({ length: count }, (_, i) => 4 * 2 ** i);
}

/**
 * Number of w that the synthesis network takes: one for 4 px, two for each doubling, one for the
 * last toRGB.
 */
export function styleLayers(config: Pick<NetworkConfig, 'resolution'>): number {
  return 2 * blockResolutions(config).length;
}

/** The settings of a recorded configuration; resolving them checks each value. */
export function recordedSettings(recorded: Readonly<Record<string, unknown>>): NetworkSettings {
  const { mappingLayers, ...sizes } = recorded as unknown as NetworkConfig;
  return { ...sizes, mapDepth: mappingLayers };
}
