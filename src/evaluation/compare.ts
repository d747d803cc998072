/** Figures of one set of features against another. */
import type { FeatureMatrix } from './metrics/feature-matrix.js';
import { frechetDistance, type GaussianStatistics, gaussianStatistics } from './metrics/frechet-distance.js';
import { kernelDistance } from './metrics/kid.js';

/** Features and, made when first asked for, their statistics: each set is compared more than once. */
export class Sample {
  private known: GaussianStatistics | null = null;

  constructor(readonly features: FeatureMatrix) {}

  get statistics(): GaussianStatistics {
    this.known ??= gaussianStatistics(this.features);
    return this.known;
  }
}

/** Distances by name; each is 0 for equal distributions. */
export const DISTANCES: Record<'fd_effnetlite0' | 'kid_effnetlite0', (a: Sample, b: Sample) => number> = {
  fd_effnetlite0: (a, b) => frechetDistance(a.statistics, b.statistics),
  kid_effnetlite0: (a, b) => kernelDistance(a.features, b.features),
};

export function isDistance(metric: string): metric is keyof typeof DISTANCES {
  return Object.hasOwn(DISTANCES, metric);
}
