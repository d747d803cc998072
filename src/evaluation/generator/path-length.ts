/**
 * Perceptual path length (Karras et al. 2019, "A Style-Based Generator Architecture for Generative
 * Adversarial Networks", section 4.1): how far images of neighboring styles are apart, at the ends
 * of paths in W, as StyleGAN2 and 3 measure it. The published metric uses LPIPS; here the distance
 * is the squared one of an extractor's features, so the values are not comparable with published
 * ones.
 */
import type { GeneratorProbe, ProbedImages } from '../../generation/index.js';
import type { Interval } from '../../spec/analyses.js';
import type { ExtractorImage } from '../extractors/input.js';
import { normalInterval, sampleVariance } from '../metrics/intervals.js';

/** Larger than the published 1e-4: features of images that differ less are equal in float32. */
const STEP = 1e-2;
/** Paths of the extremes, which are left out on each side, as published. */
const TAIL = 0.01;

/** Features of images, one after another. */
export type Extract = (images: readonly ExtractorImage[]) => Promise<Float32Array>;

export async function pathLength(
  probe: GeneratorProbe,
  extract: Extract,
  images: number,
  onStep: (done: number) => void,
): Promise<{ value: number; interval: Interval }> {
  const distances: number[] = [];
  for (let first = 0; first < images; first += probe.batch) {
    const [start, end] = await probe.pairs(first, STEP);
    const [a, b] = [await extract(extractorImages(start)), await extract(extractorImages(end))];
    const features = a.length / start.images.length;
    for (let i = 0; i < start.images.length; i++) {
      let squared = 0;
      for (let j = i * features; j < (i + 1) * features; j++)
        squared += ((a[j] as number) - (b[j] as number)) ** 2;
      distances.push(squared / STEP ** 2);
    }
    onStep(first + probe.batch);
  }
  const kept = withoutTails(distances);
  const value = kept.reduce((sum, distance) => sum + distance, 0) / kept.length;
  return { value, interval: normalInterval(value, Math.sqrt(sampleVariance(kept) / kept.length)) };
}

function withoutTails(distances: readonly number[]): Float64Array {
  const sorted = Float64Array.from(distances).sort();
  const cut = Math.floor(TAIL * sorted.length);
  return sorted.subarray(cut, sorted.length - cut);
}

/** Values 0...255, not rounded. */
function extractorImages({ side: resolution, channels, images }: ProbedImages): ExtractorImage[] {
  return images.map((image) => ({
    resolution,
    channels,
    pixels: image.map((value) => value * 127.5 + 127.5),
  }));
}
