/** Forward passes of the networks in the phases of a training. */
import type { Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs';
import { tf } from '../../nn/tensorflow.js';
import { augment } from '../augment/augment.js';
import type { NetworkConfig } from '../config.js';
import type { DiscriminatorInputs, Tracking } from '../networks/network.js';
import { ParameterScope, type Tensors } from '../networks/parameter-scope.js';
import { networkOf } from '../networks/registry.js';
import { blur } from './blur.js';
import { feed, optionalFeed } from './feeds.js';
import { type MicroBatch, microBatchSeed } from './micro-batches.js';
import type { PhaseContext } from './phase-context.js';
import { drawLatents, layerStyles, mixedStyles, randomNoise } from './styles.js';

/** The micro-batch of a phase, out of `total` images; null: all images. */
export function microBatchOf(feeds: Tensors, total: number): MicroBatch | null {
  const rows = optionalFeed(feeds, 'rows');
  return rows && { rows, total };
}

/**
 * Images [n, h, w, c] of random latents and the fed labels, and their w [n, wDim]. With `tracking`,
 * the running means are updated.
 */
export function generateImages(
  context: PhaseContext,
  variables: Tensors,
  feeds: Tensors,
  tracking: Tracking | null = null,
): { images: Tensor4D; w: Tensor2D } {
  const { config, options } = context;
  const generator = new ParameterScope(variables, 'G');
  const [seed, labels] = [feed(feeds, 'seed'), optionalFeed(feeds, 'labels')];
  const microBatch = microBatchOf(feeds, options.batch);
  const z = drawLatents(seed, config.zDim, options.batchGpu, microBatch);
  const { ws, w } = mixedStyles(context, generator, { z, labels, seed });
  const inputs = { ws: layerStyles(ws), noise: randomNoise(seed, microBatch), tracking };
  const images = networkOf(config).synthesis(config, generator, inputs);
  return { images, w };
}

/**
 * Inputs of the discriminator: images after blur and augmentation, if the configuration has them.
 */
export function discriminatorImages({ options }: PhaseContext, images: Tensor4D, feeds: Tensors): Tensor4D {
  const { augmentation, batch } = options;
  const blurred = options.blur ? blur(images, feed(feeds, 'blur')) : images;
  if (!augmentation) return blurred;
  const seed = microBatchSeed(feed(feeds, 'seed'), microBatchOf(feeds, batch));
  return augment(blurred, augmentation.set, feed(feeds, 'p'), seed);
}

/** Logits [n] of images [n, h, w, c] and labels [n, classes], higher for real images. */
export function discriminate(
  config: NetworkConfig,
  variables: Tensors,
  inputs: DiscriminatorInputs,
): Tensor1D {
  const discriminator = new ParameterScope(variables, 'D');
  const logits = networkOf(config).discriminator(config, discriminator, inputs);
  return tf.reshape(logits, [-1]);
}
