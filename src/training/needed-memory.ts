/**
 * The device memory that a training needs, foreseen from its spec before it has a worker. It loads
 * no numeric library.
 */
import { blockResolutions, channelsAt, type NetworkConfig } from '../gan/config.js';
import { layerPlans } from '../gan/networks/stylegan3/layer-plans.js';
import { microBatchSizes } from '../spec/micro-batches.js';
import type { TrainSpec } from '../spec/train.js';
import type { ChosenSpec } from './automatic.js';
import { specifiedNetwork } from './specified-network.js';

export const FLOAT_BYTES = 4;
/**
 * Weights, two moments and gradients of both networks, the average, and a copy while a checkpoint
 * is restored.
 */
export const COPIES_OF_PARAMETERS = 6;
/** TensorFlow, Node and the compiled graphs, as measured. */
export const BASE_BYTES = 0.6 * 2 ** 30;
/** Fraction of the available memory; the rest is for other processes. */
export const USABLE = 0.9;
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

/**
 * Estimates are 20 % above measured peaks, and these are up to twice what was in use, since the
 * allocator doubles its pool. One that is too high would keep a training from a device that can do
 * it; one that is too low costs a failed start, with an error that says how much is missing.
 */
const LEAST_SHARE = 0.4;

/**
 * With half precision and the smallest micro-batch where the spec leaves them to GIST: a device
 * with less cannot do the training, whatever is chosen.
 *
 * @returns bytes; 0 for the official trainer, whose memory is not foreseen
 * @throws SpecError when a size is impossible
 */
export function leastDeviceMemory(train: TrainSpec, data: { resolution: number; channels: number }): number {
  if (train.engine === 'stylegan3') return 0;
  const cfg: ChosenSpec['cfg'] = train.cfg === 'auto' ? 'stylegan2' : train.cfg;
  const isHalf = train.mode === 'graph' && train.precision !== 'float32';
  const network = specifiedNetwork({ ...train, cfg }, { ...data, classes: 0 });
  const config: NetworkConfig = { ...network, half: isHalf ? 'float16' : null };
  const { batch } = train;
  const images = train.batchGpu === 'auto' ? (microBatchSizes(batch)[0] ?? batch) : train.batchGpu;
  const fixed = BASE_BYTES + COPIES_OF_PARAMETERS * FLOAT_BYTES * convolutionWeights(config);
  return LEAST_SHARE * (fixed + images * bytesPerImage(config));
}

/** Bytes that a step holds of each image of a micro-batch. */
export function bytesPerImage(config: NetworkConfig): number {
  const kept = STORED_PER_FEATURE * features(config) + STORED_PER_OVERSAMPLED_FEATURE * oversampled(config);
  return FLOAT_BYTES * kept * (config.half ? SHARE_IN_HALF : 1);
}

/** Most weights of both networks: two 3x3 convolutions a block. */
function convolutionWeights(config: NetworkConfig): number {
  const kernel = 9;
  return blockResolutions(config).reduce((sum, resolution) => {
    const [before, channels] = [channelsAt(config, resolution / 2), channelsAt(config, resolution)];
    return sum + 2 * kernel * channels * (before + channels);
  }, 0);
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
