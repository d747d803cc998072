/**
 * The generator's lazy phase: path length regularization on a smaller minibatch of its own.
 * Karras et al. 2020, section 3.2, equation 4.
 */
import type { Tensor, Tensor3D } from '@tensorflow/tfjs';
import type { PhaseBody } from '../../nn/program/program.js';
import { tf } from '../../nn/tensorflow.js';
import { ParameterScope, type Tensors, take } from '../networks/parameter-scope.js';
import { networkOf } from '../networks/registry.js';
import { feed, optionalFeed } from './feeds.js';
import { microBatchOf } from './forward.js';
import { gradientOf, lossGradients } from './gradients.js';
import type { TrainingOptions } from './options.js';
import type { PhaseContext } from './phase-context.js';
import { drawLatents, layerStyles, mixedStyles, pathNoise, randomNoise } from './styles.js';

/** The phase for all images in one micro-batch. */
export function generatorPathLength(context: PhaseContext): PhaseBody {
  const { options, trained } = context;
  const images = pathLengthImages(options);
  return (variables, feeds) => {
    const mean = take(variables, 'pl_mean');
    const penalties = () => {
      const lengths = pathLengths(context, variables, feeds, images);
      // The gradient includes the running mean, as published.
      const newMean = tf.add(mean, tf.mul(tf.sub(tf.mean(lengths), mean), options.plDecay));
      return { losses: tf.square(tf.sub(lengths, newMean)), intermediates: { newMean } };
    };
    const differentiated = { parameters: variables, names: trained.G, images, scale: penaltyScale(options) };
    const { losses, intermediates, gradients } = lossGradients(differentiated, penalties);
    return {
      outputs: { 'Loss/pl_penalty': losses },
      assign: { pl_mean: intermediates.newMean },
      gradients: { G: gradients },
    };
  };
}

/**
 * Multiplied by `plInterval`, because the phase runs only every `plInterval` steps (section 3.1).
 */
function penaltyScale({ plWeight, plInterval }: TrainingOptions): number {
  return plWeight * plInterval;
}

/** Number of images that path lengths are measured on. */
export function pathLengthImages({ batch, plBatchShrink }: TrainingOptions): number {
  return Math.max(1, Math.floor(batch / plBatchShrink));
}

/**
 * Images in a micro-batch of path lengths: a divisor of their number, which need not be a multiple
 * of the batch's micro-batches.
 */
export function pathLengthMicroBatch(options: TrainingOptions): number {
  const total = pathLengthImages(options);
  if (options.batchGpu === options.batch) return total;
  let images = Math.min(total, Math.max(1, Math.floor(options.batchGpu / options.plBatchShrink)));
  while (total % images !== 0) images--;
  return images;
}

/**
 * Measures the path lengths of a micro-batch: the gradients of every micro-batch depend on their
 * mean over all of them.
 */
export function measurePathLengths(context: PhaseContext): PhaseBody {
  const images = pathLengthMicroBatch(context.options);
  return (variables, feeds) => ({ outputs: { lengths: pathLengths(context, variables, feeds, images) } });
}

/**
 * {@link generatorPathLength} for one micro-batch, given `lengthMean`, the mean length over all of
 * them. The gradient of the mean of (l - m')^2, in which m' depends on all lengths l, is that of
 * the mean of (l - c)^2 with the constant c = m' + decay * (mean(l) - m').
 */
export function microBatchPathLength(context: PhaseContext): PhaseBody {
  const { options, trained } = context;
  const images = pathLengthMicroBatch(options);
  return (variables, feeds) => {
    const [mean, lengthMean] = [take(variables, 'pl_mean'), tf.reshape(feed(feeds, 'lengthMean'), [])];
    const newMean = tf.add(mean, tf.mul(tf.sub(lengthMean, mean), options.plDecay));
    const center = tf.add(newMean, tf.mul(tf.sub(lengthMean, newMean), options.plDecay));
    const penalties = () => {
      const lengths = pathLengths(context, variables, feeds, images);
      return { losses: tf.square(tf.sub(lengths, center)), intermediates: { lengths } };
    };
    const differentiated = { parameters: variables, names: trained.G, images, scale: penaltyScale(options) };
    const { intermediates, gradients } = lossGradients(differentiated, penalties);
    return {
      outputs: { 'Loss/pl_penalty': tf.square(tf.sub(intermediates.lengths, newMean)) },
      assign: { pl_mean: newMean },
      gradients: { G: gradients },
    };
  };
}

/**
 * Root mean square over layers of the gradient of (image * noise) with respect to w. [images]
 */
function pathLengths(context: PhaseContext, variables: Tensors, feeds: Tensors, images: number): Tensor {
  const { config, options } = context;
  const generator = new ParameterScope(variables, 'G');
  const [seed, labels] = [feed(feeds, 'seed'), optionalFeed(feeds, 'labels')];
  const microBatch = microBatchOf(feeds, pathLengthImages(options));
  const z = drawLatents(seed, config.zDim, images, microBatch);
  const { ws } = mixedStyles(context, generator, { z, labels, seed });
  const projection = (styles: Tensor3D) => {
    const inputs = { ws: layerStyles(styles), noise: randomNoise(seed, microBatch) };
    const images = networkOf(config).synthesis(config, generator, inputs);
    const noise = tf.mul(pathNoise(seed, images.shape, microBatch), 1 / config.resolution);
    return tf.sum(tf.mul(images, noise));
  };
  return tf.sqrt(tf.mean(tf.sum(tf.square(gradientOf(projection, ws)), 2), 1));
}
