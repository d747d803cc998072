/** The generator's main phase. */
import { tf } from '../../nn/tensorflow.js';
import type { PhaseBody } from '../../nn/program/program.js';
import { optionalFeed } from './feeds.js';
import { discriminate, discriminatorImages, generateImages } from './forward.js';
import { lossGradients } from './gradients.js';
import type { PhaseContext } from './phase-context.js';

/** Non-saturating logistic loss: Goodfellow et al. 2014, section 3. */
export function generatorMain(context: PhaseContext): PhaseBody {
  const { config, options, trained } = context;
  return (variables, feeds) => {
    const labels = optionalFeed(feeds, 'labels');
    const differentiated = { parameters: variables, names: trained.G, images: options.batchGpu };
    const { losses, gradients } = lossGradients(differentiated, () => {
      const generated = generateImages(context, variables, feeds);
      const images = discriminatorImages(context, generated.images, feeds);
      const logits = discriminate(config, variables, { images, labels });
      return { losses: tf.softplus(tf.neg(logits)), intermediates: {} };
    });
    return { outputs: { 'Loss/G/loss': losses }, gradients: { G: gradients } };
  };
}
