/**
 * The Fréchet distance for infinitely many images (Chong and Forsyth 2020, "Effectively Unbiased
 * FID and Inception Score and where to find them", section 3). Its bias is close to inversely
 * proportional to the number of images: the distances of parts of the sets lie on a line, whose
 * value is read where the number is infinite. The paper varies the number of synthetic images only,
 * because its real set is large; medical ones are small, so both sets are reduced by the same
 * share.
 */
import { RandomStream } from '../../core/random.js';
import type { LineFit } from '../../spec/line-fit.js';
import { PairCache } from '../once.js';
import { type FeatureMatrix, rowsAt } from './feature-matrix.js';
import { frechetDistance, gaussianStatistics } from './frechet-distance.js';
import { frechetError } from './frechet-metric.js';
import { studentQuantile } from './intervals.js';
import type { PairMetric } from './metric.js';

/** Parts of the sets: their inverses have equal distances. */
const POINTS = 8;
const SMALLEST_SHARE = 0.4;
const SEED = 0;
/** With fewer images there is no line. */
const MIN_IMAGES = 20;

const known = new PairCache<FeatureMatrix, LineFit>();

export const frechetInfinityMetric: PairMetric<''> = {
  kind: 'pair',
  minImages: MIN_IMAGES,
  async compare(synthetic, real, onStep) {
    return { '': (await cachedFit(synthetic, real, onStep)).intercept };
  },
  /** Errors of the line, and of the choice of all images, which its points share. */
  async intervals(synthetic, real, onStep) {
    const { intercept, error } = await cachedFit(synthetic, real, onStep);
    const sampling = await frechetError(synthetic, real, onStep);
    const half = studentQuantile(POINTS - 2) * Math.hypot(error, sampling);
    return { '': { low: intercept - half, high: intercept + half } };
  },
  fit: cachedFit,
};

function cachedFit(synthetic: FeatureMatrix, real: FeatureMatrix, onStep: () => void): Promise<LineFit> {
  return known.get(synthetic, real, () => distanceFit(synthetic, real, onStep));
}

/** @throws RangeError for fewer images than a line needs */
export async function distanceFit(a: FeatureMatrix, b: FeatureMatrix, onStep: () => void): Promise<LineFit> {
  if (Math.min(a.rows, b.rows) < MIN_IMAGES)
    throw new RangeError(`a line through distances needs ${MIN_IMAGES} images in each set`);
  const random = new RandomStream(SEED, 'parts of sets');
  const points: LineFit['points'] = [];
  for (let point = 0; point < POINTS; point++) {
    const inverse = 1 + ((1 / SMALLEST_SHARE - 1) * point) / (POINTS - 1);
    const [x, y] = [a, b].map((set) => gaussianStatistics(partOf(set, 1 / inverse, random)));
    if (!x || !y) throw new RangeError('two sets are compared');
    points.push({ share: 1 / inverse, images: x.images, value: frechetDistance(x, y) });
    onStep();
    await new Promise(setImmediate);
  }
  return { points, ...lineThrough(points.map(({ share, value }) => [1 / share, value])) };
}

/** Random images, without repetition. */
function partOf(set: FeatureMatrix, share: number, random: RandomStream): FeatureMatrix {
  const order = Int32Array.from({ length: set.rows }, (_, i) => i);
  const count = Math.round(share * set.rows);
  for (let i = 0; i < count; i++) {
    const other = i + random.integer(set.rows - i);
    [order[i], order[other]] = [order[other] as number, order[i] as number];
  }
  return rowsAt(set, order.subarray(0, count));
}

/** Least squares, and the standard error of the intercept. */
export function lineThrough(points: readonly (readonly [x: number, y: number])[]): Omit<LineFit, 'points'> {
  const n = points.length;
  const [mx, my] = [0, 1].map(
    (axis) => points.reduce((sum, point) => sum + (point[axis] as number), 0) / n,
  ) as [number, number];
  const sxx = points.reduce((sum, [x]) => sum + (x - mx) ** 2, 0);
  const slope = points.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0) / sxx;
  const intercept = my - slope * mx;
  const residual = points.reduce((sum, [x, y]) => sum + (y - intercept - slope * x) ** 2, 0) / (n - 2);
  return { intercept, slope, error: Math.sqrt(residual * (1 / n + mx ** 2 / sxx)) };
}
