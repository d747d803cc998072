/**
 * Estimates, from the sizes of its networks, how much memory a training needs and which batch would
 * fit.
 */
import { blockResolutions, channelsAt, type NetworkConfig } from '../gan/config.js';
import type { TrainingOptions } from '../gan/loss/options.js';
import { availableMemory, type MemoryPlan } from './memory.js';
import type { ParameterSpecs } from '../gan/networks/parameters.js';
import { networkOf } from '../gan/networks/registry.js';
import { layerPlans } from '../gan/networks/stylegan3/layer-plans.js';

const FLOAT_BYTES = 4;
/**
 * Weights, two moments and gradients of both networks, the average, and a copy while a checkpoint
 * is restored.
 */
const COPIES_OF_PARAMETERS = 6;
/** TensorFlow, Node and the compiled graphs, as measured. */
const BASE_BYTES = 0.6 * 2 ** 30;
/**
 * Values stored for the backward pass per feature of a StyleGAN2 block, as measured over the
 * phases.
 */
const STORED_PER_FEATURE = 64;
/** The same per feature of StyleGAN3's nonlinearities at their higher sampling rate. */
const STORED_PER_OVERSAMPLED_FEATURE = 8;
/**
 * Share of these in half precision, on a GPU: 0.29 for stylegan2 at 256 px with 32 images, and less
 * than 0.3 for stylegan3-t with 16, whose peaks include what the allocator took in advance.
 */
const SHARE_IN_HALF = 0.35;
/** Fraction of the available memory; the rest is for other processes. */
const USABLE = 0.9;

export function planMemory(
  config: NetworkConfig,
  { batch, batchGpu }: Pick<TrainingOptions, 'batch' | 'batchGpu'>,
  availableBytes = availableMemory(),
): MemoryPlan {
  const fixed = BASE_BYTES + COPIES_OF_PARAMETERS * FLOAT_BYTES * parameters(config);
  const kept = STORED_PER_FEATURE * features(config) + STORED_PER_OVERSAMPLED_FEATURE * oversampled(config);
  const perImage = FLOAT_BYTES * kept * (config.half ? SHARE_IN_HALF : 1);
  const room = Math.floor((USABLE * availableBytes - fixed) / perImage);
  const fits = Math.max(0, room - (room % 2));
  return { batch, batchGpu, neededBytes: fixed + perImage * batchGpu, availableBytes, fits };
}

function parameters(config: NetworkConfig): number {
  const network = networkOf(config);
  const size = (specs: ParameterSpecs) =>
    Object.values(specs).reduce(
      (sum, { shape }) => sum + shape.reduce((product, side) => product * side, 1),
      0,
    );
  return size(network.generatorSpecs(config)) + size(network.discriminatorSpecs(config));
}

/**
 * Features of StyleGAN3's generator between up- and downsampling, for one image; it has no
 * StyleGAN2 blocks.
 */
function oversampled(config: NetworkConfig): number {
  if (config.cfg === 'stylegan2') return 0;
  return layerPlans(config).reduce((sum, { source, target, rate }) => {
    const side = (Math.max(source.size, target.size) * rate) / Math.max(source.rate, target.rate);
    return sum + side ** 2 * target.channels;
  }, 0);
}

/** Features of all blocks of both networks, for one image. */
function features(config: NetworkConfig): number {
  return blockResolutions(config).reduce(
    (sum, resolution) => sum + resolution ** 2 * (channelsAt(config, resolution) + config.channels),
    0,
  );
}
