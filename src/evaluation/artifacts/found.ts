/** The scores of all images, and how unusual each is among real ones. */
import { Calibration } from '../analyses/calibration.js';
import { combinedScores, SCORE_NAMES, type ScoreName, type ScoredSets } from './scores.js';

/** Share of real images above the threshold of an unusual image. */
export const UNUSUAL = 0.01;

export const SCORE_TITLES: Record<ScoreName, string> = {
  neighbors: 'Unlike any training image (features)',
  classDistance: 'Unlike its class (features)',
  patches: 'Unusual parts (anatomy)',
  checkerboard: 'Checkerboard pattern',
  spectrum: 'Unusual texture (power spectrum)',
  blur: 'Blur',
  border: 'Unusual border',
  saturation: 'Saturation',
};

export interface Found {
  scored: ScoredSets;
  combined: { holdout: Float64Array; synthetic: Float64Array };
  /** Of the combined score, and of each score. */
  calibration: Calibration;
  calibrations: Record<ScoreName, Calibration>;
}

/** Calibrates the scores on the holdout. */
export function foundIn(scored: ScoredSets): Found {
  const combined = combinedScores(scored);
  return {
    scored,
    combined,
    calibration: new Calibration(combined.holdout),
    calibrations: Object.fromEntries(
      SCORE_NAMES.map((name) => [name, new Calibration(scored.holdout[name])]),
    ) as Record<ScoreName, Calibration>,
  };
}

/** Images by their combined score, the most unusual first. */
export function ranking({ combined }: Found): number[] {
  const { synthetic } = combined;
  return Array.from(synthetic.keys()).sort((a, b) => (synthetic[b] as number) - (synthetic[a] as number));
}

/** Scores of an image whose p-value is that of less than one real image in a hundred. */
export function faultsOf(
  { scored, calibrations }: Found,
  index: number,
): { name: ScoreName; pValue: number }[] {
  return SCORE_NAMES.map((name) => ({
    name,
    pValue: calibrations[name].pValue(scored.synthetic[name][index] as number),
  }))
    .filter(({ pValue }) => pValue <= UNUSUAL)
    .sort((a, b) => a.pValue - b.pValue);
}
