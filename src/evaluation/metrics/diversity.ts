/**
 * Diversity of a set: the mean similarity of random pairs (Odena et al. 2017, "Conditional Image
 * Synthesis with Auxiliary Classifier GANs", section 4.2).
 */
import { RandomStream } from '../../core/random.js';
import type { PixelMetric } from './metric.js';
import { type ComparedImage, MS_SSIM_SIDE, msSsim, SSIM_SIDE, ssim } from './ssim.js';

const PAIRS = 100;
const SAMPLE = 100;
const SEED = 0;

export const diversityMetric: PixelMetric<'ssim' | 'ms_ssim'> = {
  kind: 'pixels',
  minImages: 2,
  sample: SAMPLE,
  async measure(images, onStep) {
    if (images.length < 2) throw new RangeError('the similarity of pairs needs two images');
    const { side } = images[0] as ComparedImage;
    return {
      ...(side >= SSIM_SIDE && { ssim: await meanOfPairs(images, ssim, onStep) }),
      ...(side >= MS_SSIM_SIDE && { ms_ssim: await meanOfPairs(images, msSsim, onStep) }),
    };
  },
};

/** The same pairs for every set of this size. Yields to the event loop after each. */
async function meanOfPairs(
  images: readonly ComparedImage[],
  compare: (a: ComparedImage, b: ComparedImage) => number,
  onStep: () => void,
): Promise<number> {
  const random = new RandomStream(SEED, 'pairs of images');
  let sum = 0;
  for (let pair = 0; pair < PAIRS; pair++) {
    const first = random.integer(images.length);
    const second = (first + 1 + random.integer(images.length - 1)) % images.length;
    sum += compare(images[first] as ComparedImage, images[second] as ComparedImage);
    onStep();
    await new Promise(setImmediate);
  }
  return sum / PAIRS;
}
