/** The sizes of a StyleGAN, told from the names and shapes of its generator's tensors. */
import { CheckpointError, SpecError } from '../../core/errors.js';
import type { NamedTensor } from '../../nn/safetensors.js';
import { type NetworkConfig, type NetworkSettings, resolveNetworkConfig } from '../config.js';
import type { ParameterSpecs } from '../networks/parameters.js';
import { isNetworkFamily, networkOf } from '../networks/registry.js';

type Tensors = Record<string, NamedTensor>;

/**
 * The configuration whose generator has exactly these parameters; buffers that are missing can be made.
 *
 * @param clamp that the file says activations are kept within; null: none
 * @param name of the file, for errors
 * @throws CheckpointError when it is of another architecture, naming the first tensor that does not fit
 */
export function inferConfig(generator: Tensors, clamp: number | null, name: string): NetworkConfig {
  const refuse = (what: string): never => {
    throw new CheckpointError({
      what: `is of another architecture: ${what}`,
      where: name,
      mend: 'Networks of StyleGAN2, StyleGAN2-ADA and StyleGAN3 in their published forms can be read.',
    });
  };
  const isStyle3 = Object.keys(generator).some((key) => key.startsWith('synthesis.input.'));
  const candidates = isStyle3 ? stylegan3Settings(generator) : stylegan2Settings(generator);
  let first = '';
  for (const candidate of candidates) {
    if (!isNetworkFamily(candidate.cfg))
      return refuse(`${candidate.cfg} is not available in this version of GIST`);
    const config = resolved({ ...candidate, cfg: candidate.cfg, clamp });
    const difference = config
      ? firstDifference(generator, networkOf(config).generatorSpecs(config))
      : 'its sizes are not those of any published network';
    if (config && difference === null) return config;
    first ||= difference ?? '';
  }
  return refuse(first || 'it has no tensors that tell its resolution');
}

/** What keeps tensors from being a network's state: null when nothing does. */
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

type Candidate = Omit<NetworkSettings, 'cfg'> & { cfg: string };

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

function mappingSettings(tensors: Tensors): Pick<Candidate, 'zDim' | 'wDim' | 'mapDepth' | 'classes'> {
  const wDim = side(tensors, 'mapping.fc0.weight', 0);
  const isConditional = 'mapping.embed.weight' in tensors;
  return {
    wDim,
    zDim: side(tensors, 'mapping.fc0.weight', 1) - (isConditional ? wDim : 0),
    mapDepth: count(tensors, /^mapping\.fc\d+\.weight$/),
    classes: isConditional ? side(tensors, 'mapping.embed.weight', 1) : 0,
  };
}

/** Blocks are named by their resolution. Channels: min(cbase / resolution, cmax). */
function stylegan2Settings(tensors: Tensors): Candidate[] {
  const sides = Object.keys(tensors).map((name) => Number(/^synthesis\.b(\d+)\./.exec(name)?.[1] ?? 0));
  const resolution = maximum(sides);
  if (!(resolution >= 8)) return [];
  const channels = (at: number) => side(tensors, `synthesis.b${at}.conv1.weight`, 0);
  const cmax = maximum(sides.filter((at) => at >= 4).map(channels));
  return [
    {
      cfg: 'stylegan2',
      resolution,
      channels: side(tensors, `synthesis.b${resolution}.torgb.weight`, 0),
      ...mappingSettings(tensors),
      cbase: channels(resolution) * resolution,
      cmax,
    },
  ];
}

/**
 * Layers are named `L<index>_<size>_<channels>`, the last one by the images themselves; the layer before it runs at the highest
 * cutoff, half of the resolution. Karras et al. 2021, section 3 and appendix D. Kernels of 1x1 tell configuration R from T; R has
 * twice the channels of the settings that people give.
 */
function stylegan3Settings(tensors: Tensors): Candidate[] {
  const layers = Object.keys(tensors)
    .map((name) => /^synthesis\.(L(\d+)_(\d+)_(\d+))\.weight$/.exec(name))
    .filter((match) => match !== null)
    .map(([, name, index, size, channels]) => ({
      name,
      index: +`${index}`,
      size: +`${size}`,
      channels: +`${channels}`,
    }))
    .sort((a, b) => a.index - b.index);
  const [last, highest, first] = [layers.at(-1), layers.at(-2), layers[0]];
  if (!last || !highest || !first) return [];
  const isRotation = side(tensors, `synthesis.${first.name}.weight`, 2) === 1;
  const cbase = highest.channels * last.size;
  const cmax = maximum(layers.slice(0, -1).map(({ channels }) => channels));
  const shared = { resolution: last.size, channels: last.channels, ...mappingSettings(tensors) };
  const cfg = isRotation ? 'stylegan3-r' : 'stylegan3-t';
  const halves = isRotation ? [{ cfg, ...shared, cbase: cbase / 2, cmax: cmax / 2 }] : [];
  return [{ cfg, ...shared, cbase, cmax }, ...halves];
}

function maximum(values: readonly number[]): number {
  return values.reduce((largest, value) => Math.max(largest, value), 0);
}
