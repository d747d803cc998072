/** Distances of one set of features from another. */
import type { FeatureMatrix } from './metrics/feature-matrix.js';
import { frechetDistance, type GaussianStatistics, gaussianStatistics } from './metrics/frechet-distance.js';
import { kernelDistance } from './metrics/kid.js';

/**
 * Features and their statistics, computed lazily and cached: each set is compared more than once.
 */
export class Sample {
  private cachedStatistics: GaussianStatistics | null = null;

  constructor(readonly features: FeatureMatrix) {}

  get statistics(): GaussianStatistics {
    this.cachedStatistics ??= gaussianStatistics(this.features);
    return this.cachedStatistics;
  }
}

/** `onStep` is called after each step, to report progress. */
type Distance = (a: Sample, b: Sample, onStep: () => void) => Promise<number>;

/** Distances by name. The expected value is 0 for equal distributions. */
export const DISTANCES: Record<'fd_effnetlite0' | 'kid_effnetlite0', Distance> = {
  fd_effnetlite0: async (a, b, onStep) => {
    // The statistics of a large set take up to a minute.
    const [first, second] = [a, b].map((sample) => {
      onStep();
      return sample.statistics;
    }) as [GaussianStatistics, GaussianStatistics];
    onStep();
    return frechetDistance(first, second);
  },
  kid_effnetlite0: (a, b, onStep) => kernelDistance(a.features, b.features, onStep),
};

export function isDistance(metric: string): metric is keyof typeof DISTANCES {
  return Object.hasOwn(DISTANCES, metric);
}
