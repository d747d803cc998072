/** Sizes of the networks, as the trainer, the exporter and the generator all share them. */
import { SpecError } from '../core/errors.js';
import type { HalfType } from '../nn/ops/half.js';

/** Network families; each has an entry in `networks/registry.ts`. */
export type NetworkFamily = 'stylegan2' | 'stylegan3-t' | 'stylegan3-r';

/** What decides the channels at each resolution; an alias and no interface, so that it counts as JSON. */
export type Channels = { readonly cbase: number; readonly cmax: number };

/** Everything that decides the names and shapes of a generator's and a discriminator's parameters, and what they compute. */
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
  /** Of the discriminator, where they are not those above. */
  readonly discriminator?: Channels;
  /** Activations are kept within this, which guards half precision against overflow; null: they are not. */
  readonly clamp: number | null;
  /** Type of the features at the highest resolutions while training; null: single precision everywhere. */
  readonly half: HalfType | null;
}

/** What a user may say of the networks' sizes; what is left out has the published value. */
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
  /** Of the discriminator, where they are not those above. */
  discriminator?: Channels;
  /** Not at all by default, as published for single precision. */
  clamp?: number | null;
  /** Single precision by default. */
  half?: HalfType | null;
}

/** The smallest image that has at least one upsampling block; StyleGAN3's cutoffs need more. */
const MIN_RESOLUTION: Record<NetworkFamily, number> = { stylegan2: 8, 'stylegan3-t': 16, 'stylegan3-r': 16 };
const MAX_RESOLUTION = 1024;

/**
 * The configuration that settings amount to.
 *
 * Defaults: z and w 512, 8 mapping layers, cbase 32768, cmax 512 (Karras et al. 2020, configuration F).
 *
 * @throws SpecError when a size is impossible.
 */
export function resolveNetworkConfig(settings: NetworkSettings): NetworkConfig {
  const { cfg, resolution, channels, classes } = settings;
  const power = Math.log2(resolution);
  const least = MIN_RESOLUTION[cfg];
  if (!Number.isInteger(power) || resolution < least || resolution > MAX_RESOLUTION) {
    throw impossible('resolution', resolution, `a power of two, ${least}...${MAX_RESOLUTION}`);
  }
  if (channels !== 1 && channels !== 3) throw impossible('channels', channels, '1 (gray) or 3 (RGB)');
  if (!Number.isInteger(classes) || classes < 0)
    throw impossible('classes', classes, 'a whole number, 0 or more');
  const { zDim = 512, wDim = 512, mapDepth = 8, cbase = 32_768, cmax = 512 } = settings;
  const { clamp = null, half = null, discriminator } = settings;
  checkWhole({ zDim, wDim, mapDepth });
  // Before the generator's: where they differ, these are what a user gave.
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

function checkWhole(values: Record<string, number>): void {
  for (const [name, value] of Object.entries(values)) {
    if (!Number.isInteger(value) || value < 1) throw impossible(name, value, 'a whole number, 1 or more');
  }
}

/** A smaller cbase would leave the highest resolution without channels. */
function checkChannels({ cbase, cmax }: Channels, resolution: number): void {
  checkWhole({ cbase, cmax });
  if (cbase < resolution) throw impossible('cbase', cbase, `at least the resolution, ${resolution}`);
}

function impossible(key: string, given: number, allowed: string): SpecError {
  return new SpecError({
    what: `${key} cannot be ${given}`,
    where: `train.${key}`,
    hint: `Allowed: ${allowed}.`,
  });
}

/** Channels of the features at a resolution. */
export function channelsAt({ cbase, cmax }: Channels, resolution: number): number {
  return Math.min(Math.floor(cbase / resolution), cmax);
}

/** The same of the discriminator's features. */
export function discriminatorChannelsAt(config: NetworkConfig, resolution: number): number {
  return channelsAt(config.discriminator ?? config, resolution);
}

/** 4, 8, ... up to the resolution of the images. */
export function blockResolutions(config: Pick<NetworkConfig, 'resolution'>): number[] {
  const count = Math.log2(config.resolution) - 1;
  return Array.from({ length: count }, (_, i) => 4 * 2 ** i);
}

/** Layers of the synthesis network that take a w of their own: one, then two a doubling, and the last toRGB. */
export function styleLayers(config: Pick<NetworkConfig, 'resolution'>): number {
  return 2 * blockResolutions(config).length;
}

/** The settings behind a configuration that a checkpoint records; resolving them checks each value. */
export function recordedSettings(recorded: Readonly<Record<string, unknown>>): NetworkSettings {
  const { mappingLayers, ...sizes } = recorded as unknown as NetworkConfig;
  return { ...sizes, mapDepth: mappingLayers };
}
