/** Artifacts: which synthetic images look unlike any real one, where, and in what way? */
import type { AnalysisResult, AnalysisValue, Level } from '../../spec/analyses.js';
import { type AnalysisOutlets, type AnalyzedSets, drawn, subsetOf } from '../analyses/analyzed-set.js';
import { type Calibration, exceedancePValue } from '../analyses/calibration.js';
import { shareInterval } from '../metrics/intervals.js';
import { type Found, foundIn, SCORE_TITLES, UNUSUAL } from './found.js';
import { putScores, rejection } from './rejection.js';
import { SCORE_NAMES, type ScoreName, scoreSets } from './scores.js';
import { worstFigure, worstTable } from './worst-images.js';

/** With fewer real images nothing says what is usual. */
const MIN_TRAINING = 20;
const MIN_HOLDOUT = 20;
const MIN_SYNTHETIC = 2;
/** Without a holdout, this part of the training images takes its place. */
const HELD_OUT = 4;
const SIGNIFICANT = 0.01;
/** Shares of unusual synthetic images from which a reader is warned. */
const [MANY, MOST] = [0.03, 0.2];

const BASE = { analysis: 'artifacts', title: 'Artifacts: images unlike real ones' } as const;

/** @param rejectAbove quantile of the real scores above which images are rejected; null: none */
export async function artifacts(
  sets: AnalyzedSets,
  outlets: AnalysisOutlets,
  rejectAbove: number | null = null,
): Promise<AnalysisResult> {
  const calibrated = withHoldout(sets);
  if (calibrated === null) return unjudged(sets);
  const scored = await scoreSets(calibrated, outlets.onProgress);
  const found = foundIn(scored);
  const filtered = await rejection(calibrated, found, rejectAbove, outlets.onProgress);
  await putScores(outlets.keep, found, filtered.rejected);
  return {
    ...BASE,
    ...judgedShare(found),
    values: [...valuesOf(found), ...filtered.values],
    tables: [worstTable(found), filtered.table],
    figures: await worstFigure(calibrated, found, outlets),
    advice: adviceOf(found, rejectAbove),
    caveats: caveatsOf(sets),
  };
}

/** Real images for calibration that nothing was learned from; null if there are too few. */
export function withHoldout(sets: AnalyzedSets): (AnalyzedSets & { holdout: object }) | null {
  const { train, holdout, synthetic } = sets;
  if (synthetic.images < MIN_SYNTHETIC) return null;
  if (holdout && holdout.images >= MIN_HOLDOUT && train.images >= MIN_TRAINING) return { ...sets, holdout };
  const [kept, held]: [number[], number[]] = [[], []];
  for (const [i, index] of drawn(train.images, train.images).entries())
    (i % HELD_OUT === HELD_OUT - 1 ? held : kept).push(index);
  if (held.length < MIN_HOLDOUT) return null;
  return {
    ...sets,
    train: subsetOf(train, Int32Array.from(kept)),
    holdout: subsetOf(train, Int32Array.from(held)),
  };
}

function unjudged({ train, synthetic }: AnalyzedSets): AnalysisResult {
  return {
    ...BASE,
    level: 'caution',
    statement: `Not judged: ${train.images} real and ${synthetic.images} synthetic images are too few.`,
    values: [],
    tables: [],
    figures: [],
    advice: [`Give at least ${MIN_HOLDOUT * HELD_OUT} real images.`],
    caveats: ['What is unusual is learned from real images; with so few nothing can be said.'],
  };
}

function judgedShare({ combined, calibration }: Found): { level: Level; statement: string } {
  const { score, rank } = calibration.threshold(UNUSUAL);
  const n = combined.synthetic.length;
  const unusual = combined.synthetic.filter((value) => value > score).length;
  const isChance = exceedancePValue(unusual, n, rank, combined.holdout.length) >= SIGNIFICANT;
  const share = unusual / n;
  const percent = `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
  if (isChance || share < MANY)
    return {
      level: 'good',
      statement: `${percent} of the synthetic images are more unusual than 99 % of the real ones: no more than among real images.`,
    };
  return {
    level: share >= MOST ? 'warning' : 'caution',
    statement: `${percent} of the synthetic images are more unusual than 99 % of the real ones${
      share >= MOST ? '. A reader will recognize many as synthetic or faulty.' : ': look at the worst ones.'
    }`,
  };
}

function valuesOf({ scored, combined, calibration, calibrations }: Found): AnalysisValue[] {
  const share = (scores: Float64Array, own: Calibration) => {
    const { score } = own.threshold(UNUSUAL);
    const count = scores.filter((value) => value > score).length;
    const value = count / scores.length;
    return { value, interval: shareInterval(value, scores.length), floor: UNUSUAL };
  };
  return [
    {
      name: 'unusual',
      title: 'Share of unusual images, all scores combined',
      ...share(combined.synthetic, calibration),
      text: 'Share of synthetic images that are more unusual than 99 % of the real ones. About 1 % is expected of real images.',
      digits: 3,
    },
    ...SCORE_NAMES.map((name) => ({
      name: `unusual.${name}`,
      title: SCORE_TITLES[name],
      ...share(scored.synthetic[name], calibrations[name]),
      text: TEXTS[name],
      digits: 3,
    })),
  ];
}

const TEXTS: Record<ScoreName, string> = {
  neighbors: 'Share of synthetic images further from all training images than 99 % of the real ones.',
  classDistance: 'The same by the distance to the mean of its class.',
  patches: 'The same by the most unusual parts of the image: improper joints, bent bones, foreign objects.',
  checkerboard: 'The same by a pattern of two pixels, which some generators leave.',
  spectrum: 'The same by texture that is finer or coarser than in real images.',
  blur: 'The same by missing sharpness.',
  border: 'The same by the outermost pixels: warped borders, the start of another image.',
  saturation: 'The same by areas that are white or black without detail.',
};

function adviceOf(found: Found, rejectAbove: number | null): string[] {
  const advice: string[] = [];
  if (judgedShare(found).level === 'good') return advice;
  const isUnusual = (name: ScoreName) => {
    const scores = found.scored.synthetic[name];
    const { score } = found.calibrations[name].threshold(UNUSUAL);
    return scores.filter((value) => value > score).length / scores.length >= MANY;
  };
  advice.push(
    rejectAbove === null
      ? 'Leave the worst images out: generate.rejectAbove: 0.99 writes a second set without them. A lower generate.truncationPsi also makes images more usual, at the cost of variety.'
      : 'A lower generate.truncationPsi makes images more usual, at the cost of variety.',
  );
  if (isUnusual('blur') || isUnusual('spectrum'))
    advice.push('Texture differs from that of real images: a longer training usually helps.');
  if (isUnusual('checkerboard'))
    advice.push('Checkerboard patterns become rare with a longer training or cfg: stylegan3.');
  if (isUnusual('patches') || isUnusual('neighbors'))
    advice.push(
      'Anatomy differs from that of real images: more training images, or a longer training, usually help.',
    );
  if (isUnusual('saturation'))
    advice.push('Saturated areas: check the window of the real images (preprocess.window).');
  return advice;
}

function caveatsOf({ train, holdout }: AnalyzedSets): string[] {
  const caveats = [
    'An unusual image need not be faulty, and a plausible one may be anatomically wrong: the scores point to images that a reader should look at.',
  ];
  const usesHoldout = holdout && holdout.images >= MIN_HOLDOUT && train.images >= MIN_TRAINING;
  if (!usesHoldout)
    caveats.push(
      'There are too few unseen real images: every fourth training image was set aside to learn what is usual. If the generator copies, the scores are too good.',
    );
  const real = usesHoldout ? holdout.images : Math.floor(train.images / HELD_OUT);
  if (real < 100) caveats.push(`With ${real} real images, 99 % of them means the most unusual one.`);
  return caveats;
}
