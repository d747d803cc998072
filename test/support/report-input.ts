/** Everything that a report can show, for tests of the page: all analyses, all kinds of figures. */
import { randomBytes } from 'node:crypto';
import sharp from 'sharp';
import { RandomStream } from '../../src/core/random.js';
import type { ReportInput } from '../../src/report/report-input.js';
import type { AnalysisResult } from '../../src/spec/analyses.js';
import { parseSpec } from '../../src/spec/parse.js';

const CLASSES = ['grade-0', 'grade-1', 'grade-2'];

/** A gray image with a bright disc and noise; `side` pixels. */
export async function discPng(side: number, seed: number, channels: 1 | 3 = 1): Promise<Uint8Array> {
  const random = new RandomStream(seed, 'disc');
  const [cx, cy] = [side * (0.35 + 0.3 * random.uniform()), side * (0.35 + 0.3 * random.uniform())];
  const noise = new Uint8Array(4096).map(() => random.integer(40));
  const pixels = new Uint8Array(side * side * channels).map((_, i) => {
    const at = Math.floor(i / channels);
    const inside = Math.hypot((at % side) - cx, Math.floor(at / side) - cy) < side * 0.28;
    return (inside ? 150 : 25) + (noise[(at * 7 + Math.floor(at / side) * 13) % 4096] as number);
  });
  return sharp(pixels, { raw: { width: side, height: side, channels } })
    .png()
    .toBuffer();
}

/** A gray or RGB image that no format compresses. */
export async function noisePng(side: number, channels: 1 | 3 = 1): Promise<Uint8Array> {
  return sharp(randomBytes(side * side * channels), { raw: { width: side, height: side, channels } })
    .png()
    .toBuffer();
}

export const ANALYSES: AnalysisResult[] = [
  {
    analysis: 'classifiers',
    title: 'Use for classifiers',
    level: 'caution',
    statement:
      'A classifier trained on synthetic images alone is 12 % worse than one trained on real images.',
    values: [
      {
        name: 'gan_train.accuracy',
        title: 'Accuracy, trained on synthetic images',
        value: 0.71,
        interval: { low: 0.66, high: 0.76 },
        floor: 0.83,
        text: 'Fraction of unseen real images that are classified correctly.',
        digits: 2,
      },
    ],
    tables: [
      {
        title: 'Confusion matrix, trained on synthetic images',
        columns: ['true class', ...CLASSES],
        rows: CLASSES.map((name, i) => [name, ...CLASSES.map((_, j) => (i === j ? 30 + i : 3 * j + i))]),
        digits: 0,
        kind: 'matrix',
      },
    ],
    figures: [],
    advice: ['Train longer.', 'Add synthetic images to real ones instead of replacing them.'],
    caveats: ['Three seeds.'],
  },
  {
    analysis: 'memorization',
    title: 'Copies of training images',
    level: 'good',
    statement: 'No synthetic image is nearer to a training image than unseen real images are.',
    values: [
      {
        name: 'flagged',
        title: 'Flagged images',
        value: 0,
        floor: 0.01,
        text: 'Fraction of synthetic images below the threshold.',
        digits: 3,
      },
    ],
    tables: [],
    figures: Array.from({ length: 8 }, (_, i) => ({
      title: `Pair ${i + 1}`,
      caption: 'Synthetic image on the left, its nearest training image on the right.',
      alt: `A synthetic image beside training image ${i + 1}, which looks different`,
      file: `figures/memorization-${i}.png`,
    })),
    advice: [],
    caveats: [],
  },
  {
    analysis: 'artifacts',
    title: 'Faults of single images',
    level: 'warning',
    statement: '9 % of the synthetic images are more unusual than 99 % of real images.',
    values: [
      {
        name: 'share_above_p99',
        title: 'Unusual images',
        value: 0.09,
        interval: { low: 0.07, high: 0.11 },
        text: 'Fraction above the 99th percentile.',
        digits: 2,
      },
    ],
    tables: [
      {
        title: 'Worst images',
        columns: ['seed', 'score', 'reason'],
        rows: Array.from({ length: 30 }, (_, i) => [i * 17, 9.5 - i / 7, i % 3 ? 'blur' : null]),
        digits: 2,
        kind: 'table',
      },
    ],
    figures: [
      {
        title: 'Heat map',
        caption: 'Where the image is unusual.',
        alt: 'Heat map with a hot spot at the joint',
        file: 'figures/artifacts-heat.svg',
      },
      { title: 'Lost', caption: 'Its file is missing.', alt: 'missing', file: 'figures/gone.png' },
    ],
    advice: ['Set generate.rejectAbove.'],
    caveats: [],
  },
  {
    analysis: 'nuisances',
    title: 'What the distance is made of',
    level: 'caution',
    statement: 'Background haze explains 55 % of the distance.',
    values: [],
    tables: [
      {
        title: 'Share of the distance by cause',
        columns: ['cause', 'before', 'after'],
        rows: [
          ['background haze', 83.2, 37.1],
          ['sharpness', 83.2, 79.9],
        ],
        digits: 1,
        kind: 'table',
      },
    ],
    figures: [],
    advice: [],
    caveats: [],
  },
];

const HEAT =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40" width="160" height="160"><rect width="40" height="40" fill="#123"/><circle cx="26" cy="18" r="7" fill="#fa3"/></svg>';

/** @param side of the images, in pixels */
export async function fullReport(side = 32): Promise<ReportInput> {
  const images = (seed: number) => Promise.all([0, 1, 2, 3, 4, 5].map((i) => discPng(side, seed + i)));
  const pairs = ANALYSES.flatMap(({ figures }) => figures).filter(({ file }) =>
    file.includes('memorization'),
  );
  return {
    runId: 'knees-1',
    spec: parseSpec({ name: 'knees', preprocess: { source: '/data/knees' } }),
    createdAt: '2026-01-01T00:00:00.000Z',
    metrics: {
      'images.train': 480,
      'images.holdout': 120,
      'images.synthetic': 480,
      'fd_effnetlite0.holdout': 41.234,
      'fd_effnetlite0.train': 35.9,
      'fd_effnetlite0.train_vs_holdout': 20.1,
      'kid_effnetlite0.holdout': 0.0123,
      'kid_effnetlite0.holdout.spread': 0.0021,
      'kid_effnetlite0.train_vs_holdout': -0.0004,
      'pr_effnetlite0.holdout.precision': 0.123,
      'pr_effnetlite0.train_vs_holdout.precision': 0.81,
      'pr_effnetlite0.holdout.recall': 0.0004,
      'pr_effnetlite0.train_vs_holdout.recall': 0.79,
      'diversity.synthetic.ssim': 0.61,
      'diversity.real.ssim': 0.55,
      'memorization.flagged': 0,
    },
    caveats: ['fd_effnetlite0: 120 holdout images are fewer than its 1280 features.', 'Few images.'],
    extractors: { effnetlite0: 'effnetlite0-v2' },
    intervals: {
      'fd_effnetlite0.holdout': { low: 39.1, high: 44.7 },
      'fd_effnetlite0.train_vs_holdout': { low: 18.8, high: 22.4 },
    },
    fits: {
      'fd_effnetlite0.holdout': {
        points: [
          { share: 0.5, images: 240, value: 48 },
          { share: 1, images: 480, value: 41 },
        ],
        intercept: 34,
        slope: 7,
        error: 1,
      },
    },
    classes: CLASSES.map((name, i) => ({
      class: name,
      images: { synthetic: 160, holdout: 40 },
      metrics: { 'fd_effnetlite0.holdout': 60 + i },
      intervals: { 'fd_effnetlite0.holdout': { low: 50 + i, high: 70 + i } },
    })),
    pictures: { eqt: await discPng(2 * side, 5) },
    analyses: ANALYSES,
    analysisFigures: {
      ...Object.fromEntries(
        await Promise.all(
          pairs.map(async ({ file }, i) => [
            file,
            { type: 'png' as const, bytes: await discPng(2 * side, i + 40, 3) },
          ]),
        ),
      ),
      'figures/artifacts-heat.svg': { type: 'svg', bytes: Buffer.from(HEAT) },
    },
    figures: [
      {
        title: 'Moved inputs',
        caption: 'The same image while its input moves to the right.',
        alt: 'Strip of one image that moves to the right',
        picture: { type: 'png', bytes: await discPng(side, 77) },
      },
    ],
    rows: await Promise.all(
      CLASSES.map(async (name, i) => ({
        name,
        real: await images(10 * i),
        synthetic: await images(10 * i + 5),
      })),
    ),
    classesNotShown: 0,
    map: map(),
    progression: await Promise.all(
      [4, 8, 12].map(async (kimg) => ({ kimg, png: await discPng(4 * side, kimg) })),
    ),
    curve: [4, 8, 12].flatMap((kimg) => [
      { kimg, metric: 'fd_effnetlite0', value: 400 / kimg },
      { kimg, metric: 'kid_effnetlite0', value: 0.4 / kimg - 0.03, spread: 0.01 },
    ]),
    gaps: [{ kimg: 16, reason: 'its evaluation failed' }],
    bestKimg: 12,
    dataset: {
      digest: 'd1',
      resolution: side,
      classes: CLASSES,
      train: 480,
      holdout: 120,
      window: 'values 0 to 4095 of the 16-bit images became 0 to 255',
      rejected: Array.from({ length: 150 }, (_, i) => (i % 3 ? 'is corrupt' : 'is truncated')),
      findings: [
        ['labels', 'folders: each folder is a class'],
        ...CLASSES.map((name, i): [string, string] => [`  ${i}  ${name}`, '160 training, 40 holdout']),
        ['warning', 'values 0 to 4095 become 0 to 255'],
      ],
      figures: [],
    },
    synthetic: { digest: 's1', prefix: 'runs/knees-1/generate/s1/', images: 480 },
    isTrained: true,
    lineage: [['Checkpoint', 'runs/knees-1/train/checkpoint-0000012.000-step000000750/']],
  };
}

/** 1,000 points in three groups; the synthetic ones lie beside the real ones. */
function map(): NonNullable<ReportInput['map']> {
  const random = new RandomStream(1, 'map');
  const points = Array.from({ length: 1_000 }, (_, i) => {
    const set = i < 400 ? ('train' as const) : i < 600 ? ('holdout' as const) : ('synthetic' as const);
    const label = i % CLASSES.length;
    const shift = set === 'synthetic' ? 1.2 : 0;
    return { set, label, x: 5 * label + random.normal() + shift, y: random.normal() - 2 * (label % 2) };
  });
  return { extractor: 'effnetlite0', points, classes: CLASSES };
}
