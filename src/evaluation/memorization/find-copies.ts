/** Copies of training images among synthetic ones, calibrated on unseen real images. */
import type { OnProgress } from '../../core/progress.js';
import { type AnalyzedSet, drawn, subsetOf } from '../analyses/analyzed-set.js';
import { areaUnderCurve, Calibration, exceedancePValue } from '../analyses/calibration.js';
import { authenticity } from '../metrics/authenticity.js';
import { nearestNeighbors } from '../metrics/neighbors.js';
import { dataCopying } from './data-copying.js';
import { MEASURES, type NearestTraining, TrainingIndex } from './nearest-training.js';

/** Images of each set whose nearest training image is searched. */
export const MAX_SEARCHED = 10_000;
/** Share of unseen images that the threshold takes for copies. */
export const FALSE_ALARMS = 0.01;
/** Level of the tests. */
export const SIGNIFICANT = 0.01;

/** One synthetic image with its nearest training image. */
export interface Pair {
  synthetic: number;
  training: number;
  isMirrored: boolean;
  score: number;
  /** Probability that an unseen image is as near to one training image. */
  pValue: number;
  /** One minus SSIM; null for small images, and if another image is nearer by SSIM. */
  dissimilarity: number | null;
  isSuspect: boolean;
  isCopy: boolean;
}

export interface MemorizationFindings {
  /** The nearest first. */
  pairs: Pair[];
  suspects: number;
  copies: number;
  /** Probability of so many suspects without copying. */
  pValue: number;
  /** null: too few unseen images in every cell. */
  dataCopying: number | null;
  membership: ReturnType<typeof areaUnderCurve>;
  authenticity: { synthetic: number; holdout: number };
}

/** Calibrated on the unseen images. */
export async function findCopies(
  train: AnalyzedSet,
  holdout: AnalyzedSet,
  synthetic: AnalyzedSet,
  onProgress: OnProgress,
): Promise<MemorizationFindings> {
  const chosen = drawn(synthetic.images, MAX_SEARCHED);
  const fake = subsetOf(synthetic, chosen);
  const real = subsetOf(holdout, drawn(holdout.images, MAX_SEARCHED));
  const index = await TrainingIndex.of(train, onProgress);
  const [ofReal, ofFake] = [await index.nearest(real, onProgress), await index.nearest(fake, onProgress)];
  const { pairs, rank } = scoredPairs(ofReal, ofFake, chosen);
  const suspects = pairs.filter(({ isSuspect }) => isSuspect).length;
  const onBlock = () => onProgress({ done: 0, unit: 'comparisons' });
  const distances = (found: NearestTraining[]) =>
    Float64Array.from(found, ({ featureDistance }) => featureDistance);
  return {
    pairs: pairs.sort((a, b) => b.score - a.score),
    suspects,
    copies: pairs.filter(({ isCopy }) => isCopy).length,
    pValue: exceedancePValue(suspects, pairs.length, rank, ofReal.length),
    dataCopying: await dataCopying(
      train.features,
      { features: real.features, distances: distances(ofReal) },
      { features: fake.features, distances: distances(ofFake) },
      onBlock,
    ),
    membership: await membership(train, real, fake, onBlock),
    authenticity: {
      synthetic: await authenticity(train.features, fake.features, onBlock),
      holdout: await authenticity(train.features, real.features, onBlock),
    },
  };
}

/** The measure by which an image is nearest counts; that there are three is corrected for. */
function scoredPairs(
  ofReal: NearestTraining[],
  ofFake: NearestTraining[],
  indices: Int32Array,
): { pairs: Pair[]; rank: number } {
  const calibrations = MEASURES.map(
    (measure) => [measure, new Calibration(ofReal.map(({ scores }) => scores[measure]))] as const,
  );
  const best = (found: NearestTraining) => {
    const [first, ...others] = calibrations.map(([measure, calibration]) => ({
      training: found.nearest[measure],
      pValue: calibration.pValue(found.scores[measure]),
    }));
    return others.reduce(
      (a, b) => (b.pValue < a.pValue ? b : a),
      first as { training: number; pValue: number },
    );
  };
  const scoreOf = (pValue: number) => -Math.log(Math.max(pValue, Number.MIN_VALUE));
  const threshold = new Calibration(ofReal.map((found) => scoreOf(best(found).pValue))).threshold(
    FALSE_ALARMS,
  );
  const nearest = ofFake.map(best);
  const corrected = nearest.map(({ pValue }) => Math.min(1, MEASURES.length * pValue));
  const limit = discoveryLimit(corrected);
  const pairs = ofFake.map((found, i) => {
    const { training, pValue } = nearest[i] as (typeof nearest)[number];
    const score = scoreOf(pValue);
    return {
      synthetic: indices[i] as number,
      training,
      isMirrored: found.isMirrored && training === found.nearest.pixels,
      score,
      pValue: corrected[i] as number,
      dissimilarity: training === found.nearest.ssim ? found.dissimilarity : null,
      isSuspect: score > threshold.score,
      isCopy: (corrected[i] as number) <= limit,
    };
  });
  return { pairs, rank: threshold.rank };
}

/**
 * The largest p-value that counts (Benjamini and Hochberg 1995, section 3): at most one in a
 * hundred of those found is false, and a set without copies has any in one of a hundred cases.
 */
function discoveryLimit(pValues: readonly number[]): number {
  const sorted = Float64Array.from(pValues).sort();
  const last = sorted.findLastIndex((p, i) => p <= (SIGNIFICANT * (i + 1)) / sorted.length);
  return sorted[last] ?? -1;
}

/**
 * Membership inference by the distance to the nearest synthetic image (Chen et al. 2020,
 * "GAN-Leaks", section 5.2): how well it tells training images from unseen ones.
 */
async function membership(
  train: AnalyzedSet,
  holdout: AnalyzedSet,
  synthetic: AnalyzedSet,
  onBlock: () => void,
) {
  const members = subsetOf(train, drawn(train.images, MAX_SEARCHED));
  const nearness = async ({ features }: AnalyzedSet) =>
    (await nearestNeighbors(features, synthetic.features, 1, { onBlock })).squared.map((value) => -value);
  return areaUnderCurve(await nearness(members), await nearness(holdout));
}
