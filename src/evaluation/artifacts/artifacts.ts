/** Artifacts: which synthetic images look unlike any real one, where, and in what way? */
import {
  type AnalysisFigure,
  type AnalysisResult,
  type AnalysisTable,
  type AnalysisValue,
  type Level,
  REJECTED_COUNT,
} from '../../spec/analyses.js';
import { type AnalysisOutlets, type AnalyzedSets, drawn, subsetOf } from '../analyses/analyzed-set.js';
import { Calibration, exceedancePValue } from '../analyses/calibration.js';
import { blended, colored, galleryPng, heatColors } from '../analyses/gallery.js';
import { rowsAt } from '../metrics/feature-matrix.js';
import { shareInterval } from '../metrics/intervals.js';
import { precisionRecall } from '../metrics/precision-recall.js';
import { combinedScores, SCORE_NAMES, type ScoreName, scoreSets, type ScoredSets } from './scores.js';

/** With fewer real images nothing says what is usual. */
const MIN_TRAINING = 20;
const MIN_HOLDOUT = 20;
const MIN_SYNTHETIC = 2;
/** Without a holdout, this part of the training images takes its place. */
const HELD_OUT = 4;
/** Share of real images above the threshold. */
const UNUSUAL = 0.01;
const SIGNIFICANT = 0.01;
/** Shares of unusual synthetic images from which a reader is warned. */
const [MANY, MOST] = [0.03, 0.2];
const SHOWN = 12;
const LISTED = 50;
const LIST = 'artifacts.json';
/** Quantiles of the real scores for which the effect of a filter is shown. */
const FILTERS = [0.99, 0.95, 0.9];
/** Recall compares all pairs. */
const MAX_COMPARED = 10_000;
const NEIGHBORS = 3;

const BASE = { analysis: 'artifacts', title: 'Artifacts: images unlike real ones' } as const;

const TITLES: Record<ScoreName, string> = {
  neighbors: 'Unlike any training image (features)',
  classDistance: 'Unlike its class (features)',
  patches: 'Unusual parts (anatomy)',
  checkerboard: 'Checkerboard pattern',
  spectrum: 'Unusual texture (power spectrum)',
  blur: 'Blur',
  border: 'Unusual border',
  saturation: 'Saturation',
};

/** @param rejectAbove quantile of the real scores above which images are rejected; null: none */
export async function artifacts(
  sets: AnalyzedSets,
  outlets: AnalysisOutlets,
  rejectAbove: number | null = null,
): Promise<AnalysisResult> {
  const calibrated = withHoldout(sets);
  if (calibrated === null) return unjudged(sets);
  const scored = await scoreSets(calibrated, outlets.onProgress);
  const combined = combinedScores(scored);
  const found: Found = {
    scored,
    combined,
    calibration: new Calibration(combined.holdout),
    calibrations: Object.fromEntries(
      SCORE_NAMES.map((name) => [name, new Calibration(scored.holdout[name])]),
    ) as Record<ScoreName, Calibration>,
  };
  const filters = await filterTable(calibrated, found, rejectAbove, outlets);
  const rejected = rejectAbove === null ? null : rejectedBy(found, rejectAbove);
  await outlets.keep?.(LIST, Buffer.from(`${JSON.stringify(listOf(found, rejected))}\n`));
  return {
    ...BASE,
    ...judgedShare(found),
    values: [...valuesOf(found), ...(rejected ? [rejectedValue(rejected)] : [])],
    tables: [worstTable(found), filters],
    figures: await worstFigure(calibrated, found, outlets),
    advice: adviceOf(found),
    caveats: caveatsOf(sets, rejected),
  };
}

interface Found {
  scored: ScoredSets;
  combined: { holdout: Float64Array; synthetic: Float64Array };
  /** Of the combined score, and of each score. */
  calibration: Calibration;
  calibrations: Record<ScoreName, Calibration>;
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
      title: TITLES[name],
      ...share(scored.synthetic[name], calibrations[name]),
      text: TEXTS[name],
      digits: 3,
    })),
  ];
}

function rejectedValue(rejected: readonly number[]): AnalysisValue {
  return {
    name: REJECTED_COUNT,
    title: 'Listed as rejected',
    value: rejected.length,
    text: `Synthetic images above evaluate.rejectAbove: ${LIST} lists them, and they stay in the set.`,
    digits: 0,
  };
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

/** Images by their combined score, the most unusual first. */
function ranking({ combined }: Found): number[] {
  const { synthetic } = combined;
  return Array.from(synthetic.keys()).sort((a, b) => (synthetic[b] as number) - (synthetic[a] as number));
}

/** Scores of an image whose p-value is that of less than one real image in a hundred. */
function faultsOf({ scored, calibrations }: Found, index: number): { name: ScoreName; pValue: number }[] {
  return SCORE_NAMES.map((name) => ({
    name,
    pValue: calibrations[name].pValue(scored.synthetic[name][index] as number),
  }))
    .filter(({ pValue }) => pValue <= UNUSUAL)
    .sort((a, b) => a.pValue - b.pValue);
}

function worstTable(found: Found): AnalysisTable {
  return {
    title: `The most unusual synthetic images (of all, ${LISTED} at most)`,
    columns: ['synthetic image', 'real images as unusual', 'unusual by'],
    rows: ranking(found)
      .slice(0, LISTED)
      .map((index) => [
        index,
        found.calibration.pValue(found.combined.synthetic[index] as number).toExponential(1),
        faultsOf(found, index)
          .map(({ name }) => TITLES[name])
          .join(', ') || 'no single score',
      ]),
    digits: 0,
    kind: 'table',
  };
}

/** Images above a quantile of the real scores. */
function rejectedBy({ combined, calibration }: Found, quantile: number): number[] {
  const { score } = calibration.threshold(1 - quantile);
  return Array.from(combined.synthetic.keys()).filter((i) => (combined.synthetic[i] as number) > score);
}

/** What a filter would leave, and what it costs in variety. */
async function filterTable(
  { holdout, synthetic }: AnalyzedSets & { holdout: { features: AnalyzedSets['train']['features'] } },
  found: Found,
  rejectAbove: number | null,
  { onProgress }: AnalysisOutlets,
): Promise<AnalysisTable> {
  const onBlock = () => onProgress({ done: 0, unit: 'comparisons' });
  const quantiles = [...new Set([...FILTERS, ...(rejectAbove === null ? [] : [rejectAbove])])].sort(
    (a, b) => b - a,
  );
  const row = async (title: string, rejected: readonly number[]) => {
    const out = new Set(rejected);
    const kept = Array.from({ length: synthetic.images }, (_, i) => i).filter((i) => !out.has(i));
    const compared = Int32Array.from(drawn(kept.length, MAX_COMPARED), (i) => kept[i] as number);
    if (compared.length <= NEIGHBORS) return [title, String(kept.length), null, null];
    const fake = rowsAt(synthetic.features, compared);
    const { precision, recall } = await precisionRecall(holdout.features, fake, { onBlock });
    return [title, String(kept.length), precision, recall];
  };
  const rows = [await row('none', [])];
  for (const quantile of quantiles) {
    const title = `${(100 * quantile).toFixed(1)} % of real scores${quantile === rejectAbove ? ' (chosen)' : ''}`;
    rows.push(await row(title, rejectedBy(found, quantile)));
  }
  return {
    title: 'Effect of rejecting unusual images (precision and recall against unseen images)',
    columns: ['reject above', 'images left', 'precision', 'recall'],
    rows,
    digits: 3,
    kind: 'table',
  };
}

/** Of every image, so that a set can be filtered. */
function listOf({ scored, combined, calibration }: Found, rejected: number[] | null) {
  return {
    ...(rejected && { rejected }),
    pValue: Array.from(combined.synthetic, (score) => rounded(calibration.pValue(score))),
    scores: Object.fromEntries(
      SCORE_NAMES.map((name) => [name, Array.from(scored.synthetic[name], rounded)]),
    ),
  };
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

async function worstFigure(
  { synthetic, holdout }: AnalyzedSets,
  found: Found,
  { keep }: AnalysisOutlets,
): Promise<AnalysisFigure[]> {
  if (!keep || !holdout) return [];
  const worst = ranking(found).slice(0, SHOWN);
  const cells = await Promise.all(
    worst.map(async (index) => {
      const image = colored(await synthetic.pixels.read(index), synthetic.channels);
      return [image, blended(image, heatColors(enlarged(found.scored, index, synthetic.side)))];
    }),
  );
  const across = 3;
  const rows = Array.from({ length: Math.ceil(cells.length / across) }, (_, row) =>
    cells.slice(row * across, (row + 1) * across).flatMap((cell) => [...cell, null]),
  );
  const file = 'figures/artifacts-worst.png';
  await keep(file, await galleryPng(rows, synthetic.side));
  const why = worst.map((index) => `${index} (${faultsOf(found, index)[0]?.name ?? 'no single score'})`);
  return [
    {
      title: 'The most unusual synthetic images',
      caption: `Each image beside its heat map: the brighter, the less a part looks like that part of real images. Row by row: ${why.join(', ')}.`,
      alt: `The ${worst.length} synthetic images that look least like real ones, with maps of their unusual parts.`,
      file,
    },
  ];
}

/** The patch map at the side of the image, 1 at twice the most that real images reach. */
function enlarged({ map, grid, mapScale }: ScoredSets, index: number, side: number): Float32Array {
  const values = map(index);
  return Float32Array.from({ length: side * side }, (_, i) => {
    const [row, column] = [Math.floor(i / side), i % side].map((at) => Math.floor((at * grid) / side)) as [
      number,
      number,
    ];
    return (values[row * grid + column] as number) / (2 * mapScale);
  });
}

function adviceOf(found: Found): string[] {
  const advice: string[] = [];
  if (judgedShare(found).level === 'good') return advice;
  const isUnusual = (name: ScoreName) => {
    const scores = found.scored.synthetic[name];
    const { score } = found.calibrations[name].threshold(UNUSUAL);
    return scores.filter((value) => value > score).length / scores.length >= MANY;
  };
  advice.push(
    `Reject the worst images: evaluate.rejectAbove: 0.99 lists them in ${LIST}. A lower generate.truncationPsi also makes images more usual, at the cost of variety.`,
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

function caveatsOf({ train, holdout }: AnalyzedSets, rejected: number[] | null): string[] {
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
  if (rejected)
    caveats.push(
      `${rejected.length} images are above evaluate.rejectAbove. They stay in the synthetic set; ${LIST} lists them.`,
    );
  return caveats;
}
