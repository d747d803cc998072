/** How bright the stored images of each class are: histograms that a data set keeps. */
import { z } from 'zod';
import { EXPOSURE_BINS, type ImageExposure, LEVELS_PER_BIN } from '../pixels/image-facts.js';

export { EXPOSURE_BINS };

const histogram = z.array(z.int()).length(EXPOSURE_BINS);

/** The images of one class on one side of the split; mirrored copies do not count. */
export const exposureSchema = z.object({
  label: z.int(),
  images: z.int(),
  /** Number of images by their mean level. */
  means: histogram,
  /** Number of samples by their level. */
  levels: histogram,
});
export type Exposure = z.output<typeof exposureSchema>;

function emptyExposure(label: number): Exposure {
  const zeros = () => new Array<number>(EXPOSURE_BINS).fill(0);
  return { label, images: 0, means: zeros(), levels: zeros() };
}

/** Exposures of several classes, in ascending order of labels. */
export class ExposureCounter {
  readonly #byLabel = new Map<number, Exposure>();

  get exposures(): Exposure[] {
    return [...this.#byLabel.values()].sort((a, b) => a.label - b.label);
  }

  addImage(label: number, { mean, levels }: ImageExposure): void {
    const own = this.#of(label);
    own.images++;
    own.means[mean] = (own.means[mean] as number) + 1;
    for (const [bin, count] of levels.split(' ').entries())
      own.levels[bin] = (own.levels[bin] as number) + Number(count);
  }

  add({ label, images, means, levels }: Exposure): void {
    const own = this.#of(label);
    own.images += images;
    for (let bin = 0; bin < EXPOSURE_BINS; bin++) {
      own.means[bin] = (own.means[bin] as number) + (means[bin] as number);
      own.levels[bin] = (own.levels[bin] as number) + (levels[bin] as number);
    }
  }

  #of(label: number): Exposure {
    const known = this.#byLabel.get(label) ?? emptyExposure(label);
    this.#byLabel.set(label, known);
    return known;
  }
}

/** A percentile of a histogram, as a gray level: the middle of its bin. */
export function levelAt(counts: readonly number[], percent: number): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  let below = 0;
  for (const [bin, count] of counts.entries()) {
    below += count;
    if (below > 0 && below >= (percent / 100) * total) return Math.round((bin + 0.5) * LEVELS_PER_BIN);
  }
  return 0;
}

/** `mean level 96 (56 to 144 in 9 of 10 images), levels 4 to 220` */
export function describeExposure({ means, levels }: Exposure): string {
  const [low, median, high] = [5, 50, 95].map((percent) => levelAt(means, percent));
  const [least, most] = [1, 99].map((percent) => levelAt(levels, percent));
  return `median of mean levels ${median} (${low} to ${high} in 9 of 10 images), 98 % of pixels ${least} to ${most}`;
}
