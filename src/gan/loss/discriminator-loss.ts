/** The discriminator's phases: the main one, and the lazy R1 regularization. */
import type { Tensor, Tensor4D } from '@tensorflow/tfjs';
import type { PhaseBody } from '../../nn/program/program.js';
import { tf } from '../../nn/tensorflow.js';
import type { Tracking } from '../networks/network.js';
import { take } from '../networks/parameter-scope.js';
import { feed, optionalFeed } from './feeds.js';
import { discriminate, discriminatorImages, generateImages } from './forward.js';
import { gradientOf, lossGradients } from './gradients.js';
import type { PhaseContext } from './phase-context.js';

const W_AVG = 'G.mapping.w_avg';

/**
 * Logistic loss on generated and real images, both with the labels of the real ones. It also
 * updates the running means of the generator.
 */
export function discriminatorMain(context: PhaseContext): PhaseBody {
  const { config, options, trained } = context;
  return (variables, feeds) => {
    const labels = optionalFeed(feeds, 'labels');
    const tracking: Tracking = { magnitudeDecay: options.magnitudeDecay, updated: {} };
    const { images: generated, w } = generateImages(context, variables, feeds, tracking);
    const both = tf.concat4d([generated, feed(feeds, 'real')], 0);
    const inputs = {
      images: discriminatorImages(context, both, feeds),
      labels: labels && tf.concat2d([labels, labels], 0),
      minibatches: 2,
    };
    const differentiated = { parameters: variables, names: trained.D, images: options.batchGpu };
    const { losses, intermediates, gradients } = lossGradients(differentiated, () => {
      const [fake, real] = tf.split(discriminate(config, variables, inputs), 2) as [Tensor, Tensor];
      return { losses: tf.add(tf.softplus(fake), tf.softplus(tf.neg(real))), intermediates: { fake, real } };
    });
    const oldMean = take(variables, W_AVG);
    const newMean = tf.mean(w, 0);
    return {
      outputs: {
        'Loss/D/loss': losses,
        'Loss/scores/fake': intermediates.fake,
        'Loss/scores/real': intermediates.real,
        'Loss/signs/fake': tf.sign(intermediates.fake),
        'Loss/signs/real': tf.sign(intermediates.real),
      },
      assign: {
        [W_AVG]: tf.add(newMean, tf.mul(tf.sub(oldMean, newMean), options.wAvgBeta)),
        ...tracking.updated,
      },
      gradients: { D: gradients },
    };
  };
}

/**
 * Squared gradient norm on real images: Mescheder et al. 2018, section 4.1. Its weight is
 * multiplied by `r1Interval`, because it runs only every `r1Interval` steps (Karras et al. 2020,
 * section 3.1).
 */
export function discriminatorR1(context: PhaseContext): PhaseBody {
  const { config, options, trained } = context;
  return (variables, feeds) => {
    const [real, labels] = [feed(feeds, 'real'), optionalFeed(feeds, 'labels')];
    const logitsOf = (images: Tensor4D) =>
      discriminate(config, variables, { images: discriminatorImages(context, images, feeds), labels });
    const differentiated = {
      parameters: variables,
      names: trained.D,
      images: options.batchGpu,
      scale: (options.gamma / 2) * options.r1Interval,
    };
    const { losses, gradients } = lossGradients(differentiated, () => ({
      losses: gradientPenalty(real, logitsOf),
      intermediates: {},
    }));
    return { outputs: { 'Loss/r1_penalty': losses }, gradients: { D: gradients } };
  };
}

/** Squared gradient norm of each logit with respect to its image. images [n, h, w, c] -> [n] */
export function gradientPenalty(images: Tensor4D, logitsOf: (images: Tensor4D) => Tensor): Tensor {
  const gradient = gradientOf((pixels) => tf.sum(logitsOf(pixels)), images);
  return tf.sum(tf.square(gradient), [1, 2, 3]);
}
