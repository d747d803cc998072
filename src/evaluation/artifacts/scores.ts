/** Every artifact score of each image, and their combination. */
import type { OnProgress } from '../../core/progress.js';
import { type AnalyzedSet, drawn, subsetOf } from '../analyses/analyzed-set.js';
import { Calibration } from '../analyses/calibration.js';
import { APPEARANCE_SCORES, AppearanceModel, appearances } from './appearance.js';
import { ClassDistances, neighborScores } from './density.js';
import { PatchModel } from './patches.js';

export const SCORE_NAMES = ['neighbors', 'classDistance', 'patches', ...APPEARANCE_SCORES] as const;
export type ScoreName = (typeof SCORE_NAMES)[number];

/** Images that say what is usual. */
const MAX_LEARNED = 4_000;
const MAX_CALIBRATION = 5_000;

export type Scores = Record<ScoreName, Float64Array>;

export interface ScoredSets {
  holdout: Scores;
  synthetic: Scores;
  /** Patch maps of the holdout's most unusual places come to about this many deviations. */
  mapScale: number;
  /** The patch map of one synthetic image: [grid, grid]. */
  map(index: number): Float32Array;
  grid: number;
}

export interface LearnedSets {
  train: AnalyzedSet;
  holdout: AnalyzedSet;
  synthetic: AnalyzedSet;
}

export async function scoreSets(sets: LearnedSets, onProgress: OnProgress): Promise<ScoredSets> {
  const train = subsetOf(sets.train, drawn(sets.train.images, MAX_LEARNED));
  const holdout = subsetOf(sets.holdout, drawn(sets.holdout.images, MAX_CALIBRATION));
  const { synthetic } = sets;
  const onBlock = () => onProgress({ done: 0, unit: 'comparisons' });
  const model = new AppearanceModel(await appearances(train, onProgress));
  const classes = ClassDistances.of(train, onBlock);
  const maps: Float32Array[] = [];
  const patches = await PatchModel.of(train, onProgress);
  const scoresOf = async (set: AnalyzedSet, keepMap: (map: Float32Array) => void): Promise<Scores> => {
    const ofPatches = new Float64Array(set.images);
    await patches.score(set, onProgress, ({ score, map }, index) => {
      ofPatches[index] = score;
      keepMap(map);
    });
    const looks = (await appearances(set, onProgress)).map((image) => model.scores(image));
    const appearance = APPEARANCE_SCORES.map(
      (name) => [name, Float64Array.from(looks, (scores) => scores[name])] as const,
    );
    return {
      neighbors: await neighborScores(train.features, set.features, onBlock),
      classDistance: classes.scores(set, onBlock),
      patches: ofPatches,
      ...(Object.fromEntries(appearance) as Record<(typeof APPEARANCE_SCORES)[number], Float64Array>),
    };
  };
  const ofHoldout = await scoresOf(holdout, () => undefined);
  const ofSynthetic = await scoresOf(synthetic, (map) => maps.push(map));
  return {
    holdout: ofHoldout,
    synthetic: ofSynthetic,
    mapScale: Math.max(...ofHoldout.patches),
    map: (index) => maps[index] as Float32Array,
    grid: patches.grid,
  };
}

/**
 * One score from the p-values of all (Liu and Xie 2020, "Cauchy Combination Test", equation 1):
 * one very unusual score counts, and scores that go together do not count twice. P-values above 1/2
 * count as 1/2: a very usual score must not make up for an unusual one (Fang et al. 2023, truncated
 * Cauchy combination). The combined score is calibrated again on real images.
 */
export function combinedScores({ holdout, synthetic }: Pick<ScoredSets, 'holdout' | 'synthetic'>): {
  holdout: Float64Array;
  synthetic: Float64Array;
} {
  const calibrations = SCORE_NAMES.map((name) => [name, new Calibration(holdout[name])] as const);
  const combine = (scores: Scores) =>
    Float64Array.from({ length: scores.patches.length }, (_, i) => {
      let sum = 0;
      for (const [name, calibration] of calibrations)
        sum += cauchy(calibration.pValue(scores[name][i] as number));
      return -Math.log(combinedPValue(sum / calibrations.length));
    });
  return { holdout: combine(holdout), synthetic: combine(synthetic) };
}

/** tan(pi (1/2 - p)), which is 1 / (pi p) for small p. */
function cauchy(p: number): number {
  return p < 1e-9 ? 1 / (Math.PI * Math.max(p, 1e-300)) : Math.tan(Math.PI * (0.5 - Math.min(p, 0.5)));
}

function combinedPValue(mean: number): number {
  return mean > 1e9 ? 1 / (Math.PI * mean) : 0.5 - Math.atan(mean) / Math.PI;
}
