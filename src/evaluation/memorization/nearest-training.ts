/**
 * The nearest training image of each image: candidates by features, small images and spectra, then
 * compared by pixels and SSIM.
 */
import type { OnProgress } from '../../core/progress.js';
import type { AnalyzedSet } from '../analyses/analyzed-set.js';
import type { FeatureMatrix } from '../metrics/feature-matrix.js';
import { nearestNeighbors } from '../metrics/neighbors.js';
import type { Plane } from '../analyses/plane.js';
import { align, dissimilarity, mirroredPyramid, pyramidOf } from './alignment.js';
import { describe, type Descriptors } from './descriptors.js';

/** Candidates of each search. */
const CANDIDATES = 5;
export const MIN_TRAINING = CANDIDATES + 1;
const BATCH = 64;
/** Smallest distance that has a logarithm. */
const LEAST = 1e-6;

/** What the nearest training image is nearest by. */
export const MEASURES = ['features', 'pixels', 'ssim'] as const;
export type Measure = (typeof MEASURES)[number];

/**
 * How near an image is to one training image compared with the others: the negative logarithm of
 * the ratio of the smallest distance to the fifth. A smooth image is near to
 * many training images, a copy to one.
 */
export interface NearestTraining {
  scores: Record<Measure, number>;
  /** Index of the nearest training image by each measure. */
  nearest: Record<Measure, number>;
  isMirrored: boolean;
  /** One minus SSIM to the nearest training image by pixels; null for small images. */
  dissimilarity: number | null;
  /** Distance of the features to the nearest. */
  featureDistance: number;
}

export class TrainingIndex {
  private constructor(
    private readonly train: AnalyzedSet,
    private readonly descriptors: Descriptors,
  ) {}

  /** @throws RangeError for fewer than six training images */
  static async of(train: AnalyzedSet, onProgress: OnProgress): Promise<TrainingIndex> {
    if (train.images < MIN_TRAINING) throw new RangeError('too few training images');
    return new TrainingIndex(train, await describe(train, onProgress));
  }

  async nearest(set: AnalyzedSet, onProgress: OnProgress): Promise<NearestTraining[]> {
    const own = await describe(set, onProgress);
    const onBlock = () => onProgress({ done: 0, total: set.images, unit: 'images' });
    const search = (a: FeatureMatrix, b: FeatureMatrix) => nearestNeighbors(a, b, CANDIDATES, { onBlock });
    const byFeatures = await search(set.features, this.train.features);
    const searches = [
      byFeatures,
      await search(own.thumbnails, this.descriptors.thumbnails),
      await search(own.spectra, this.descriptors.spectra),
    ];
    const found: NearestTraining[] = [];
    for (let i = 0; i < set.images; i++) {
      const [first, end] = [i * CANDIDATES, (i + 1) * CANDIDATES];
      const candidates = new Set(searches.flatMap(({ indices }) => [...indices.subarray(first, end)]));
      const distances = Array.from(byFeatures.squared.subarray(first, end), Math.sqrt);
      found.push(
        this.compared(own.plane(i), [...candidates], {
          index: byFeatures.indices[first] as number,
          distance: distances[0] as number,
          score: nearness(distances),
        }),
      );
      if (i % BATCH === 0) {
        onProgress({ done: i, total: set.images, unit: 'images' });
        await new Promise(setImmediate);
      }
    }
    return found;
  }

  private compared(
    plane: Plane,
    candidates: readonly number[],
    byFeatures: { index: number; distance: number; score: number },
  ): NearestTraining {
    const own = pyramidOf(plane);
    const reflection = mirroredPyramid(own);
    const aligned = candidates
      .map((index) => {
        const other = pyramidOf(this.descriptors.plane(index));
        return { index, other, alignment: align(own, reflection, other) };
      })
      .sort((a, b) => a.alignment.distance - b.alignment.distance);
    const similar = aligned
      .slice(0, CANDIDATES)
      .map(({ index, other, alignment }) => ({
        index,
        value: dissimilarity(alignment.isMirrored ? reflection : own, other, alignment),
      }))
      .flatMap(({ index, value }) => (value === null ? [] : [{ index, value }]))
      .sort((a, b) => a.value - b.value);
    const nearest = aligned[0] as (typeof aligned)[number];
    return {
      scores: {
        features: byFeatures.score,
        pixels: nearness(aligned.map(({ alignment }) => alignment.distance)),
        ssim: nearness(similar.map(({ value }) => value)),
      },
      nearest: {
        features: byFeatures.index,
        pixels: nearest.index,
        ssim: similar[0]?.index ?? nearest.index,
      },
      isMirrored: nearest.alignment.isMirrored,
      dissimilarity: similar[0]?.value ?? null,
      featureDistance: byFeatures.distance,
    };
  }
}

/** @param distances ascending; the candidates of every image are equally many or more */
function nearness(distances: readonly number[]): number {
  const [first, last] = [distances[0], distances[CANDIDATES - 1]];
  if (first === undefined || last === undefined) return 0;
  return Math.log((last + LEAST) / (first + LEAST));
}
