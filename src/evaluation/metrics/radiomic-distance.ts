/**
 * The Fréchet radiomic distance (Konz et al. 2026, "Fréchet Radiomic Distance (FRD): A Versatile
 * Metric for Comparing Medical Imaging Datasets", section 3): the Fréchet distance of radiomic
 * features, each in standard deviations of the real set (equation 3).
 */
import { PairCache } from '../once.js';
import { type FeatureMatrix, meanRow } from './feature-matrix.js';
import type { PairMetric } from './metric.js';
import { frechetMetric } from './frechet-metric.js';

/** Features of which all real images have the same value are left out. */
const SMALLEST_DEVIATION = 1e-9;

type Pair = readonly [FeatureMatrix, FeatureMatrix];

const known = new PairCache<FeatureMatrix, Pair>();

export const radiomicMetric: PairMetric<''> = {
  kind: 'pair',
  minImages: 2,
  compare: async (synthetic, real, onStep) =>
    frechetMetric.compare(...(await cached(synthetic, real)), onStep),
  intervals: async (synthetic, real, onStep) =>
    frechetMetric.intervals(...(await cached(synthetic, real)), onStep),
};

function cached(synthetic: FeatureMatrix, real: FeatureMatrix): Promise<Pair> {
  return known.get(synthetic, real, async () => standardized(synthetic, real));
}

/** Both sets in standard deviations of the real set from its mean. */
export function standardized(synthetic: FeatureMatrix, real: FeatureMatrix): Pair {
  const mean = meanRow(real);
  const deviation = deviationsOf(real, mean);
  const kept = [...mean.keys()].filter(
    (j) => (deviation[j] as number) > SMALLEST_DEVIATION * Math.max(1, Math.abs(mean[j] as number)),
  );
  const convert = ({ rows, columns, data }: FeatureMatrix): FeatureMatrix => {
    const out = new Float64Array(rows * kept.length);
    for (let i = 0; i < rows; i++)
      for (const [at, j] of kept.entries())
        out[i * kept.length + at] =
          ((data[i * columns + j] as number) - (mean[j] as number)) / (deviation[j] as number);
    return { rows, columns: kept.length, data: out };
  };
  return [convert(synthetic), convert(real)];
}

/** Standard deviations with the divisor n, as in frd-score. */
function deviationsOf({ rows, columns, data }: FeatureMatrix, mean: Float64Array): Float64Array {
  const squares = new Float64Array(columns);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++)
      squares[j] = (squares[j] as number) + ((data[i * columns + j] as number) - (mean[j] as number)) ** 2;
  return squares.map((sum) => Math.sqrt(sum / rows));
}
