/** The steps of StyleGAN2's training procedure, each a pure function of variables and feeds. */
import type { Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs';
import type { PhaseBody } from '../../nn/program/program.js';
import { tf } from '../../nn/tensorflow.js';
import { augment } from '../augment/augment.js';
import type { NetworkConfig } from '../config.js';
import { type Parameters, take, type Tracking, withoutPrefix } from '../networks/network.js';
import { networkOf } from '../networks/registry.js';
import { blur } from './blur.js';
import { gradientOf, lossGradients } from './gradients.js';
import type { TrainingOptions } from './options.js';
import { roundSeed, type Share } from './accumulation.js';
import { layerStyles, pathNoise, randomNoise, randomStyles, type Styles } from './styles.js';

/** What all phases know. */
export interface PhaseContext {
  config: NetworkConfig;
  options: TrainingOptions;
  /** Names of the variables that the optimisers train. */
  trained: { G: readonly string[]; D: readonly string[] };
}

type Feeds = Parameters;

/** The generator's step: non-saturating logistic loss, Goodfellow et al. 2014, section 3. */
export function generatorMain({ config, options, trained }: PhaseContext): PhaseBody {
  return (variables, feeds) => {
    const { losses, gradients } = lossGradients(variables, trained.G, options.batchGpu, () => {
      const { images } = fakes(config, options, variables, feeds);
      const shown = seen(options, images, feeds);
      return { losses: tf.softplus(tf.neg(logitsOf(config, variables, shown, labelsOf(feeds)))), also: {} };
    });
    return { outputs: { 'Loss/G/loss': losses }, gradients: { G: gradients } };
  };
}

/**
 * The generator's lazy step: path length regularisation on a part of a minibatch of its own. Karras et al. 2020, section 3.2,
 * equation 4; `plInterval` times as strong, because so seldom (section 3.1).
 */
export function generatorPathLength({ config, options, trained }: PhaseContext): PhaseBody {
  const images = pathLengthImages(options);
  return (variables, feeds) => {
    const mean = take(variables, 'pl_mean');
    const penalties = () => {
      const labels = labelsOf(feeds);
      const some = labels && tf.slice(labels, [0, 0], [images, -1]);
      const lengths = pathLengths(config, options, variables, feeds, images, some);
      // The running mean takes part in the gradient, as published.
      const newMean = tf.add(mean, tf.mul(tf.sub(tf.mean(lengths), mean), options.plDecay));
      return { losses: tf.square(tf.sub(lengths, newMean)), also: { newMean } };
    };
    const scale = options.plWeight * options.plInterval;
    const { losses, also, gradients } = lossGradients(variables, trained.G, images, penalties, scale);
    return {
      outputs: { 'Loss/pl_penalty': losses },
      assign: { pl_mean: also.newMean },
      gradients: { G: gradients },
    };
  };
}

/** Images that path lengths are measured on. */
export function pathLengthImages({ batch, plBatchShrink }: TrainingOptions): number {
  return Math.max(1, Math.floor(batch / plBatchShrink));
}

/** Path lengths of one round's images, and nothing else: their mean over all rounds goes into the gradients of each. */
export function pathLengthsOfRound({ config, options }: PhaseContext, images: number): PhaseBody {
  return (variables, feeds) => ({
    outputs: { lengths: pathLengths(config, options, variables, feeds, images, labelsOf(feeds)) },
  });
}

/**
 * {@link generatorPathLength} for one round, given `lengthMean`, the mean length over all rounds. The gradient of the mean of
 * (l - m')^2, in which m' depends on all lengths l, is that of the mean of (l - c)^2 with the constant c = m' + decay * (mean(l) - m').
 */
export function generatorPathLengthRound(
  { config, options, trained }: PhaseContext,
  images: number,
): PhaseBody {
  return (variables, feeds) => {
    const [mean, lengthMean] = [take(variables, 'pl_mean'), tf.reshape(take(feeds, 'lengthMean'), [])];
    const newMean = tf.add(mean, tf.mul(tf.sub(lengthMean, mean), options.plDecay));
    const centre = tf.add(newMean, tf.mul(tf.sub(lengthMean, newMean), options.plDecay));
    const penalties = () => {
      const lengths = pathLengths(config, options, variables, feeds, images, labelsOf(feeds));
      return { losses: tf.square(tf.sub(lengths, centre)), also: { lengths } };
    };
    const scale = options.plWeight * options.plInterval;
    const { also, gradients } = lossGradients(variables, trained.G, images, penalties, scale);
    return {
      outputs: { 'Loss/pl_penalty': tf.square(tf.sub(also.lengths, newMean)) },
      assign: { pl_mean: newMean },
      gradients: { G: gradients },
    };
  };
}

/**
 * The discriminator's step on generated and real images: logistic loss. Both have the labels of the real ones. It is also here
 * that the running means follow the generator.
 */
export function discriminatorMain({ config, options, trained }: PhaseContext): PhaseBody {
  return (variables, feeds) => {
    const labels = labelsOf(feeds);
    const tracking: Tracking = { magnitudeDecay: options.magnitudeDecay, updated: {} };
    const { images, w } = fakes(config, options, variables, feeds, tracking);
    const shown = seen(options, tf.concat4d([images, take<Tensor4D>(feeds, 'real')], 0), feeds);
    const both = labels && tf.concat2d([labels, labels], 0);
    const { losses, also, gradients } = lossGradients(variables, trained.D, options.batchGpu, () => {
      const [fake, real] = tf.split(logitsOf(config, variables, shown, both, 2), 2) as [Tensor, Tensor];
      return { losses: tf.add(tf.softplus(fake), tf.softplus(tf.neg(real))), also: { fake, real } };
    });
    const oldMean = take(variables, W_AVG);
    const newMean = tf.mean(w, 0);
    return {
      outputs: {
        'Loss/D/loss': losses,
        'Loss/scores/fake': also.fake,
        'Loss/scores/real': also.real,
        'Loss/signs/fake': tf.sign(also.fake),
        'Loss/signs/real': tf.sign(also.real),
      },
      assign: {
        [W_AVG]: tf.add(newMean, tf.mul(tf.sub(oldMean, newMean), options.wAvgBeta)),
        ...Object.fromEntries(Object.entries(tracking.updated).map(([name, value]) => [`G.${name}`, value])),
      },
      gradients: { D: gradients },
    };
  };
}

/**
 * The discriminator's lazy step: squared gradient norm on real images, Mescheder et al. 2018, section 4.1; `r1Interval` times as
 * strong, because so seldom (Karras et al. 2020, section 3.1).
 */
export function discriminatorR1({ config, options, trained }: PhaseContext): PhaseBody {
  return (variables, feeds) => {
    const real = take<Tensor4D>(feeds, 'real');
    const labels = labelsOf(feeds);
    const show = (images: Tensor4D) => seen(options, images, feeds);
    const penalties = () => ({ losses: gradientPenalty(config, variables, real, labels, show), also: {} });
    const scale = (options.gamma / 2) * options.r1Interval;
    const { losses, gradients } = lossGradients(variables, trained.D, options.batchGpu, penalties, scale);
    return { outputs: { 'Loss/r1_penalty': losses }, gradients: { D: gradients } };
  };
}

/**
 * The averaged generator follows the trained one: feed `beta` is what it keeps of itself (Karras et al. 2018, section 5).
 * Running means are averages already, and copied.
 */
export function ema({ config, trained }: PhaseContext): PhaseBody {
  return (variables, feeds) => {
    const beta = tf.reshape(take(feeds, 'beta'), []);
    const assign: Record<string, Tensor> = {};
    for (const name of trained.G) {
      const value = take(variables, name);
      const average = averageOf(name);
      assign[average] = tf.add(value, tf.mul(tf.sub(take(variables, average), value), beta));
    }
    for (const name of runningMeans(config)) assign[averageOf(name)] = tf.clone(take(variables, name));
    return { outputs: {}, assign };
  };
}

const W_AVG = 'G.mapping.w_avg';

/** Variables that the discriminator's step assigns, and the average copies. */
export function runningMeans(config: NetworkConfig): string[] {
  return networkOf(config)
    .runningMeans(config)
    .map((name) => `G.${name}`);
}

/** `G.x` -> `G_ema.x` */
function averageOf(name: string): string {
  return name.replace(/^G\./, 'G_ema.');
}

/** The labels fed, if the networks are conditional. [n, classes] */
function labelsOf(feeds: Feeds): Tensor2D | null {
  return (feeds.labels as Tensor2D | undefined) ?? null;
}

/** Images of random latents, and their w. */
function fakes(
  config: NetworkConfig,
  options: TrainingOptions,
  variables: Parameters,
  feeds: Feeds,
  tracking: Tracking | null = null,
): { images: Tensor4D } & Styles {
  const generator = withoutPrefix(variables, 'G.');
  const seed = take(feeds, 'seed');
  const share = shareFed(feeds, options.batch);
  const labels = labelsOf(feeds);
  const styles = randomStyles(config, generator, seed, labels, options.batchGpu, options.styleMixing, share);
  const noise = randomNoise(seed, share);
  const images = networkOf(config).synthesis(config, generator, layerStyles(styles.ws), noise, tracking);
  return { images, ...styles };
}

/** Which images of the minibatch this is about; null: all of them. */
function shareFed(feeds: Feeds, total: number): Share | null {
  return feeds.rows ? { rows: feeds.rows as Tensor1D, total } : null;
}

/** Images as the discriminator is shown them. */
function seen(options: TrainingOptions, images: Tensor4D, feeds: Feeds): Tensor4D {
  const soft = options.blur ? blur(images, take(feeds, 'blur')) : images;
  return augmented(options, soft, feeds);
}

/** Augmented, where that is wanted. */
function augmented({ augmentation, batch }: TrainingOptions, images: Tensor4D, feeds: Feeds): Tensor4D {
  if (!augmentation) return images;
  return augment(
    images,
    augmentation.set,
    take(feeds, 'p'),
    roundSeed(take(feeds, 'seed'), shareFed(feeds, batch)),
  );
}

/** Logits [n] of images, higher for real ones. */
function logitsOf(
  config: NetworkConfig,
  variables: Parameters,
  images: Tensor4D,
  labels: Tensor2D | null,
  minibatches = 1,
): Tensor {
  const discriminator = withoutPrefix(variables, 'D.');
  return tf.reshape(
    networkOf(config).discriminator(config, discriminator, images, labels, minibatches),
    [-1],
  );
}

/** Root mean square over layers of the gradient by w of the images along random noise. [images] */
function pathLengths(
  config: NetworkConfig,
  options: TrainingOptions,
  variables: Parameters,
  feeds: Feeds,
  images: number,
  labels: Tensor2D | null,
): Tensor {
  const generator = withoutPrefix(variables, 'G.');
  const seed = take(feeds, 'seed');
  const share = shareFed(feeds, pathLengthImages(options));
  const { ws } = randomStyles(config, generator, seed, labels, images, options.styleMixing, share);
  const projection = (styles: Tensor3D) => {
    const layerNoise = randomNoise(seed, share);
    const made = networkOf(config).synthesis(config, generator, layerStyles(styles), layerNoise);
    const noise = tf.mul(pathNoise(seed, made.shape, share), 1 / config.resolution);
    return tf.sum(tf.mul(made, noise));
  };
  return tf.sqrt(tf.mean(tf.sum(tf.square(gradientOf(projection, ws)), 2), 1));
}

/** Squared norm of the gradient of each image's logit by its pixels, before what `show` does to them. [n] */
export function gradientPenalty(
  config: NetworkConfig,
  variables: Parameters,
  images: Tensor4D,
  labels: Tensor2D | null,
  show = (pixels: Tensor4D) => pixels,
): Tensor {
  const gradient = gradientOf((pixels) => tf.sum(logitsOf(config, variables, show(pixels), labels)), images);
  return tf.sum(tf.square(gradient), [1, 2, 3]);
}
