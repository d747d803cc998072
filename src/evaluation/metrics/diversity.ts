/**
 * Diversity of a set: the mean similarity of random pairs (Odena et al. 2017, "Conditional Image
 * Synthesis with Auxiliary Classifier GANs", section 4.2).
 */
import { RandomStream } from '../../core/random.js';
import { jackknifeVariance, normalInterval } from './intervals.js';
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
    const pairs = randomPairs(images.length);
    const similarities = {
      ...(side >= SSIM_SIDE && { ssim: await similaritiesOf(images, pairs, ssim, onStep) }),
      ...(side >= MS_SSIM_SIDE && { ms_ssim: await similaritiesOf(images, pairs, msSsim, onStep) }),
    };
    const measured = Object.entries(similarities).map(([name, values]) => {
      const value = meanOf(values);
      const error = Math.sqrt(jackknifeVariance(withoutEach(images.length, pairs, values)));
      return [name, value, normalInterval(value, error)] as const;
    });
    return {
      values: Object.fromEntries(measured.map(([name, value]) => [name, value])),
      intervals: Object.fromEntries(measured.map(([name, , interval]) => [name, interval])),
    };
  },
};

/** The same pairs for every set of this size. */
function randomPairs(images: number): [number, number][] {
  const random = new RandomStream(SEED, 'pairs of images');
  return Array.from({ length: PAIRS }, () => {
    const first = random.integer(images);
    return [first, (first + 1 + random.integer(images - 1)) % images];
  });
}

/** Yields to the event loop after each. */
async function similaritiesOf(
  images: readonly ComparedImage[],
  pairs: readonly [number, number][],
  compare: (a: ComparedImage, b: ComparedImage) => number,
  onStep: () => void,
): Promise<number[]> {
  const found: number[] = [];
  for (const [first, second] of pairs) {
    found.push(compare(images[first] as ComparedImage, images[second] as ComparedImage));
    onStep();
    await new Promise(setImmediate);
  }
  return found;
}

/** The mean without the pairs of each image. */
function withoutEach(
  images: number,
  pairs: readonly [number, number][],
  values: readonly number[],
): Float64Array {
  const all = meanOf(values);
  return Float64Array.from({ length: images }, (_, image) => {
    const others = values.filter((_value, i) => !pairs[i]?.includes(image));
    return others.length > 0 ? meanOf(others) : all;
  });
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
