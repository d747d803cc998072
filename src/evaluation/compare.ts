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

/** `onStep` is called as work goes on. */
type Distance = (a: Sample, b: Sample, onStep: () => void) => Promise<number>;

/** Distances by name; each is 0 for equal distributions. */
export const DISTANCES: Record<'fd_effnetlite0' | 'kid_effnetlite0', Distance> = {
  fd_effnetlite0: async (a, b, onStep) => {
    // Statistics of a large set take most of a minute each.
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
