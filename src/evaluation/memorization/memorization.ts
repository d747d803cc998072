/** Memorization: does the synthetic set contain copies of training images? */
import type { AnalysisFigure, AnalysisResult, AnalysisValue, Level } from '../../spec/analyses.js';
import type { AnalysisOutlets, AnalyzedSets } from '../analyses/analyzed-set.js';
import { colored, differenceOf, galleryPng } from '../analyses/gallery.js';
import { mirroredPixels } from '../analyses/plane.js';
import { shareInterval } from '../metrics/intervals.js';
import {
  FALSE_ALARMS,
  findCopies,
  MAX_SEARCHED,
  type MemorizationFindings,
  type Pair,
  SIGNIFICANT,
} from './find-copies.js';
import { MIN_TRAINING } from './nearest-training.js';

/** With fewer unseen images the threshold means little. */
const MIN_HOLDOUT = 20;
/** Meehan et al. 2020, section 5: below -3 they speak of data-copying. */
const COPYING = -3;
/** An area from which distances tell training images from others too well. */
const TELLING_AREA = 0.6;
const SHOWN_PAIRS = 8;
const LISTED = 50;
const LIST = 'memorization.json';

const BASE = { analysis: 'memorization', title: 'Memorization: copies of training images' } as const;

export async function memorization(sets: AnalyzedSets, outlets: AnalysisOutlets): Promise<AnalysisResult> {
  const { train, holdout, synthetic } = sets;
  if (!holdout || holdout.images < MIN_HOLDOUT || train.images < MIN_TRAINING) return unjudged(sets);
  const findings = await findCopies(train, holdout, synthetic, outlets.onProgress);
  await outlets.keep?.(LIST, Buffer.from(`${JSON.stringify(listOf(findings), null, 1)}\n`));
  return {
    ...BASE,
    level: levelOf(findings),
    statement: statementOf(findings),
    values: valuesOf(findings),
    tables: [pairTable(findings)],
    figures: await pairFigure(sets, findings.pairs, outlets),
    advice: adviceOf(findings),
    caveats: caveatsOf(sets, findings),
  };
}

/** Without unseen images nothing says which distance is a copy. */
function unjudged({ train, holdout }: AnalyzedSets): AnalysisResult {
  const missing =
    train.images < MIN_TRAINING
      ? `there are only ${train.images} training images`
      : `there are ${holdout ? `only ${holdout.images}` : 'no'} real images that were kept from the training`;
  return {
    ...BASE,
    level: 'caution',
    statement: `Not judged: ${missing}. The set may contain copies.`,
    values: [],
    tables: [],
    figures: [],
    advice: [
      `Keep at least ${MIN_HOLDOUT} images from the training (preprocess.holdout), or give them with --holdout.`,
    ],
    caveats: [
      'How near a synthetic image may be to a training image is learned from unseen real images. Without them no threshold can be given.',
    ],
  };
}

function levelOf({ copies, pValue, dataCopying, membership }: MemorizationFindings): Level {
  const copying = dataCopying !== null && dataCopying < COPYING;
  if (copies > 0 || pValue < SIGNIFICANT || copying) return 'warning';
  const tells = membership.interval.low > 0.5;
  if (tells && membership.area >= TELLING_AREA) return 'warning';
  return tells || pValue < 5 * SIGNIFICANT ? 'caution' : 'good';
}

function statementOf(findings: MemorizationFindings): string {
  const { copies, suspects, pairs, pValue } = findings;
  const level = levelOf(findings);
  if (copies > 0)
    return `${copies} of ${pairs.length} synthetic images are almost certainly copies of training images. Do not share the set as it is.`;
  if (pValue < SIGNIFICANT)
    return `${suspects} of ${pairs.length} synthetic images are nearer to one training image than unseen images are, more than chance explains: some are copies.`;
  if (level === 'warning')
    return 'No single image stands out as a copy, but the set as a whole is nearer to the training images than unseen images are.';
  if (level === 'caution')
    return 'No single copy was found. The synthetic images tell a little about which images were used in training.';
  return 'No sign of copies was found: the synthetic images are no nearer to single training images than unseen real images are.';
}

function valuesOf(findings: MemorizationFindings): AnalysisValue[] {
  const { pairs, suspects, copies, pValue, dataCopying, membership, authenticity } = findings;
  const n = pairs.length;
  const values: AnalysisValue[] = [
    {
      name: 'copies',
      title: 'Copies',
      value: copies,
      text: 'Synthetic images that are so near to one training image that less than one is expected among a hundred sets without copies.',
      digits: 0,
    },
    {
      name: 'suspects',
      title: 'Share of suspected copies',
      value: suspects / n,
      interval: shareInterval(suspects / n, n),
      floor: FALSE_ALARMS,
      text: 'Share of synthetic images that are nearer to one training image than 99 % of the unseen images are. About 1 % is expected without copying.',
      digits: 3,
    },
    {
      name: 'p_value',
      title: 'Probability of so many without copying',
      value: pValue,
      text: 'Below 0.01 the number of suspected copies is not chance.',
      digits: 4,
    },
    {
      name: 'membership_auroc',
      title: 'Membership inference (AUROC)',
      value: membership.area,
      interval: membership.interval,
      floor: 0.5,
      text: 'How well the distance to the nearest synthetic image tells training images from unseen ones: 0.5 is guessing, 1 is certainty.',
      digits: 3,
    },
    {
      name: 'authenticity',
      title: 'Authenticity',
      value: authenticity.synthetic,
      interval: shareInterval(authenticity.synthetic, n),
      floor: authenticity.holdout,
      text: 'Share of synthetic images that are further from their nearest training image than that one is from other training images. Far below the value of unseen images, it is a sign of copying.',
      digits: 3,
    },
  ];
  if (dataCopying !== null)
    values.push({
      name: 'data_copying',
      title: 'Data-copying statistic C_T',
      value: dataCopying,
      floor: 0,
      text: 'Whether synthetic images are nearer to the training images than unseen images are (negative) or further (positive). Below -3 it is a sign of copying.',
      digits: 2,
    });
  return values;
}

function pairTable({ pairs }: MemorizationFindings) {
  const suspects = pairs.filter(({ isSuspect }) => isSuspect);
  return {
    title: `Suspected copies${suspects.length > LISTED ? ` (the nearest ${LISTED} of ${suspects.length})` : ''}`,
    columns: ['synthetic image', 'training image', 'mirrored', 'SSIM', 'probability without copying', 'copy'],
    rows: suspects
      .slice(0, LISTED)
      .map(({ synthetic, training, isMirrored, dissimilarity, pValue, isCopy }) => [
        String(synthetic),
        String(training),
        isMirrored ? 'yes' : 'no',
        dissimilarity === null ? null : 1 - dissimilarity,
        pValue.toExponential(1),
        isCopy ? 'yes' : 'suspected',
      ]),
    digits: 3,
    kind: 'table' as const,
  };
}

/** Of every image, so that copies can be taken out of the set. */
function listOf({ pairs }: MemorizationFindings) {
  const indices = (of: Pair[]) => of.map(({ synthetic }) => synthetic).sort((a, b) => a - b);
  return {
    copies: indices(pairs.filter(({ isCopy }) => isCopy)),
    suspects: indices(pairs.filter(({ isSuspect }) => isSuspect)),
    nearest: pairs.map(({ synthetic, training, isMirrored, pValue }) => ({
      synthetic,
      training,
      isMirrored,
      pValue,
    })),
  };
}

async function pairFigure(
  { synthetic, train }: AnalyzedSets,
  pairs: readonly Pair[],
  { keep }: AnalysisOutlets,
): Promise<AnalysisFigure[]> {
  if (!keep) return [];
  const rows = await Promise.all(
    pairs.slice(0, SHOWN_PAIRS).map(async (pair) => {
      const own = await synthetic.pixels.read(pair.synthetic);
      const other = await train.pixels.read(pair.training);
      const shown = pair.isMirrored ? mirroredPixels(other, train.side, train.channels) : other;
      const [a, b] = [colored(own, synthetic.channels), colored(shown, train.channels)];
      return [a, b, differenceOf(a, b)];
    }),
  );
  // Two pairs a row: three columns alone are a narrow picture.
  const half = Math.ceil(rows.length / 2);
  const joined = rows.slice(0, half).map((row, i) => [...row, null, ...(rows[half + i] ?? [])]);
  const file = 'figures/memorization-pairs.png';
  await keep(file, await galleryPng(joined, synthetic.side));
  const numbers = pairs.slice(0, SHOWN_PAIRS).map(({ synthetic: a, training: b }) => `${a} and ${b}`);
  return [
    {
      title: 'Closest pairs',
      caption: `Each group of three: synthetic image, its nearest training image (mirrored where that fits better), and their difference, doubled. The left half from top to bottom, then the right half: synthetic image ${numbers.join('; ')}. Copies show the same anatomy and texture; similar images only the same pose.`,
      alt: `The ${rows.length} synthetic images nearest to a training image, each beside that image and their difference.`,
      file,
    },
  ];
}

function adviceOf(findings: MemorizationFindings): string[] {
  if (levelOf(findings) === 'good') return [];
  return [
    `Take the listed copies out of the set before it is shared (${LIST} beside the metrics lists every image).`,
    'More training images, augmentation (train.aug), a stronger regularization (train.gamma) or a shorter training reduce copying.',
  ];
}

function caveatsOf({ synthetic, holdout }: AnalyzedSets, { dataCopying }: MemorizationFindings): string[] {
  const unseen = holdout?.images ?? 0;
  const caveats = [
    'No sign of copies is no proof of privacy: an attack with more knowledge may find more. Copies of a part of an image are not searched.',
  ];
  if (unseen < 100)
    caveats.push(
      `With ${unseen} unseen images the threshold is the nearest of them: a few copies may be missed.`,
    );
  if (Math.max(synthetic.images, unseen) > MAX_SEARCHED)
    caveats.push(`Searched for ${MAX_SEARCHED} images of each set, drawn at random.`);
  if (dataCopying === null) caveats.push('C_T is left out: too few images in every cell.');
  return caveats;
}
