/**
 * The Inception Score (Salimans et al. 2016, section 4): exp of the mean Kullback-Leibler
 * divergence from the mean class probabilities, by parts of the set as in the original code.
 */
import type { FeatureMatrix } from './feature-matrix.js';
import { studentQuantile } from './intervals.js';
import type { SetMetric } from './metric.js';

const PARTS = 10;

export const inceptionScoreMetric: SetMetric<'' | 'spread'> = {
  kind: 'set',
  minImages: PARTS,
  async measure(set) {
    if (!set.logits) throw new RangeError('the Inception Score needs class probabilities');
    const { score, spread } = inceptionScore(await set.logits());
    const half = (studentQuantile(PARTS - 1) * spread) / Math.sqrt(PARTS - 1);
    return { values: { '': score, spread }, intervals: { '': { low: score - half, high: score + half } } };
  },
};

/**
 * @param logits a row for each image
 * @returns mean and standard deviation of the scores of the parts
 * @throws RangeError for fewer images than parts
 */
export function inceptionScore(logits: FeatureMatrix, parts = PARTS): { score: number; spread: number } {
  const { rows } = logits;
  if (rows < parts) throw new RangeError(`the Inception Score needs at least ${parts} images`);
  const scores = Array.from({ length: parts }, (_, part) =>
    scoreOf(logits, Math.floor((part * rows) / parts), Math.floor(((part + 1) * rows) / parts)),
  );
  const score = scores.reduce((sum, value) => sum + value, 0) / parts;
  const variance = scores.reduce((sum, value) => sum + (value - score) ** 2, 0) / parts;
  return { score, spread: Math.sqrt(variance) };
}

/** The score of the images from...to-1. */
function scoreOf({ columns, data }: FeatureMatrix, from: number, to: number): number {
  const mean = new Float64Array(columns);
  let negativeEntropy = 0;
  for (let i = from; i < to; i++) {
    const row = Float64Array.from(data.subarray(i * columns, (i + 1) * columns));
    const largest = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    const sum = row.reduce((total, logit) => total + Math.exp(logit - largest), 0);
    for (let j = 0; j < columns; j++) {
      const logProbability = (row[j] as number) - largest - Math.log(sum);
      const probability = Math.exp(logProbability);
      mean[j] = (mean[j] as number) + probability / (to - from);
      if (probability > 0) negativeEntropy += (probability * logProbability) / (to - from);
    }
  }
  const meanPart = mean.reduce((total, p) => total + (p > 0 ? p * Math.log(p) : 0), 0);
  return Math.exp(negativeEntropy - meanPart);
}
