/**
 * 95 % intervals of the scores of classifiers: the error of the tested images, joined with that of
 * the mean over the seeds.
 */
import { RandomStream } from '../../core/random.js';
import type { Interval } from '../../spec/analyses.js';
import { areaError } from '../analyses/calibration.js';
import { NORMAL, sampleVariance, shareInterval } from '../metrics/intervals.js';
import { type Classification, mean, meanScores } from './classification.js';

const DRAWS = 200;
const SEED = 0;

/** Scores that a confusion matrix gives. */
export type MatrixScore = 'balancedAccuracy' | 'precision' | 'recall' | 'f1';
const MATRIX_SCORES: readonly MatrixScore[] = ['balancedAccuracy', 'precision', 'recall', 'f1'];

export type ScoreIntervals = Record<MatrixScore | 'accuracy', Interval> & { auroc: Interval | null };

/** @param seeds classifiers of one setting, at least one */
export function scoreIntervals(seeds: readonly Classification[]): ScoreIntervals {
  const errors = matrixErrors(seeds);
  const around = (score: MatrixScore) =>
    joined(
      seeds.map((seed) => seed[score]),
      errors[score],
    );
  return {
    accuracy: accuracyInterval(seeds),
    balancedAccuracy: around('balancedAccuracy'),
    precision: around('precision'),
    recall: around('recall'),
    f1: around('f1'),
    auroc: aurocInterval(seeds),
  };
}

/** The score interval of a share of the tested images (Wilson 1927) and the error of the mean. */
function accuracyInterval(seeds: readonly Classification[]): Interval {
  const accuracies = seeds.map(({ accuracy }) => accuracy);
  const share = mean(accuracies);
  const { low, high } = shareInterval(share, seeds[0]?.images ?? 0);
  const ofSeeds = NORMAL * meanError(accuracies);
  return within(share, Math.hypot(share - low, ofSeeds), Math.hypot(high - share, ofSeeds));
}

function joined(values: readonly number[], error: number): Interval {
  const half = NORMAL * Math.hypot(error, meanError(values));
  return within(mean(values), half, half);
}

function within(value: number, below: number, above: number): Interval {
  return { low: Math.max(0, value - below), high: Math.min(1, value + above) };
}

function meanError(values: readonly number[]): number {
  return Math.sqrt(sampleVariance(Float64Array.from(values)) / values.length);
}

/**
 * Parametric bootstrap (Efron 1979, remark K): the predictions of each class are drawn again by
 * their shares over all seeds. One image more, spread over all predictions, keeps classes that are
 * always recognized from having no error.
 */
function matrixErrors(seeds: readonly Classification[]): Record<MatrixScore, number> {
  const random = new RandomStream(SEED, 'predictions of classifiers');
  const [first] = seeds;
  const rows = (first?.confusion ?? []).map((row, label) => {
    const counts = row.map((_, predicted) =>
      mean(seeds.map((seed) => seed.confusion[label]?.[predicted] ?? 0)),
    );
    const images = counts.reduce((a, b) => a + b, 0);
    return { images: Math.round(images), shares: counts.map((n) => (n + 1 / row.length) / (images + 1)) };
  });
  const drawn = Array.from({ length: DRAWS }, () =>
    meanScores(rows.map(({ images, shares }) => multinomial(random, images, shares))),
  );
  return Object.fromEntries(
    MATRIX_SCORES.map((score) => [
      score,
      Math.sqrt(sampleVariance(Float64Array.from(drawn, (scores) => scores[score]))),
    ]),
  ) as Record<MatrixScore, number>;
}

function multinomial(random: RandomStream, images: number, shares: readonly number[]): number[] {
  const counts = shares.map(() => 0);
  for (let i = 0; i < images; i++) {
    let rest = random.uniform();
    let at = 0;
    while (at < shares.length - 1 && rest >= (shares[at] as number)) rest -= shares[at++] as number;
    counts[at] = (counts[at] as number) + 1;
  }
  return counts;
}

/** Of the mean over the classes, whose errors are taken to go together. */
function aurocInterval(seeds: readonly Classification[]): Interval | null {
  const areas = seeds.flatMap(({ auroc }) => auroc ?? []);
  const [first] = seeds;
  if (areas.length === 0 || !first) return null;
  const errors = first.classes.flatMap(({ auroc, images }) =>
    auroc === null ? [] : [areaError(auroc, images, first.images - images)],
  );
  return joined(areas, mean(errors));
}
