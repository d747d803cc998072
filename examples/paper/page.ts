/** docs/paper/README.md: our figures and tables beside the findings of the paper. */
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { AnalysisResult } from '../../src/spec/analyses.js';
import type { ExperimentName } from './experiments.js';
import { PUBLISHED, PUBLISHED_ACCURACY } from './published.js';

/** Of `sweep.json` of a sweep over sizes. */
interface SizeResult {
  answers: { mode: string; text: string }[];
  sizes: {
    size: number;
    runs: number;
    mean: number;
    spread: number | null;
    kimg: number;
    artifacts: Record<string, number>;
  }[];
  missing: unknown[];
}

/** Of `sweep.json` of a hyperparameter sweep. */
interface TuningResult {
  answer: { text: string };
  settings: { label: string; mean: number; spread: number | null; values: number[] }[];
  missing: unknown[];
}

/** Of `metrics.json` of a run. */
interface KneeResult {
  analyses: AnalysisResult[];
}

export interface PaperResults {
  knee: KneeResult;
  sizes: SizeResult;
  transfer: SizeResult;
  tuning: TuningResult;
}

/** Figures by their number in the paper: the experiment, and its file. */
const FIGURES: Record<string, [ExperimentName, string]> = {
  'figure-2': ['knee', 'figures/progression-24-kimg.png'],
  'figure-4': ['tuning', 'figures/settings.png'],
  'figure-5': ['sizes', 'figures/metric-by-size.png'],
  'figure-7': ['transfer', 'figures/metric-by-size.png'],
};

/**
 * @param results a folder with the downloaded report of each experiment, by its name
 * @param out where README.md and the figures go
 */
export async function writePaper(results: string, out: string): Promise<void> {
  const read = async (name: ExperimentName, file: string) =>
    JSON.parse(await readFile(path.join(results, name, file), 'utf8'));
  const page = paperPage({
    knee: await read('knee', 'metrics.json'),
    sizes: await read('sizes', 'sweep.json'),
    transfer: await read('transfer', 'sweep.json'),
    tuning: await read('tuning', 'sweep.json'),
  });
  await mkdir(out, { recursive: true });
  for (const [figure, [name, file]] of Object.entries(FIGURES))
    await copyFile(path.join(results, name, file), path.join(out, `${figure}.png`));
  await writeFile(path.join(out, 'README.md'), page);
}

/** @returns Markdown */
export function paperPage({ knee, sizes, transfer, tuning }: PaperResults): string {
  return `${[
    '# The experiments of the paper, on phantoms',
    'Made by `npm run paper`, which writes this page. The specs are in',
    '[examples/paper/small](../../examples/paper/small); those at the scale of the paper, for a',
    'user with its data and a GPU, in [examples/paper/full](../../examples/paper/full).',
    '',
    ...COMPARABLE,
    ...imageSection('Figure 2: images during training', 'figure-2', 'Synthetic phantoms after 24 kimg', []),
    ...imageSection('Figure 4: hyperparameters', 'figure-4', 'Settings and their metric', [
      finding(PUBLISHED.tuning, tuning.answer.text),
      ...missing(tuning.missing),
      '',
      ...table(
        ['setting', 'Fréchet distance', 'spread over seeds', 'runs'],
        tuning.settings.map(({ label, mean, spread, values }) => [
          label,
          digits(mean),
          spread === null ? '' : digits(spread),
          String(values.length),
        ]),
      ),
    ]),
    ...sizeSection('Figure 5: size of the training set', 'figure-5', sizes, PUBLISHED.sizes),
    ...sizeSection('Figure 7: transfer', 'figure-7', transfer, PUBLISHED.transfer),
    ...classifierSection(knee),
  ].join('\n')}\n`;
}

const COMPARABLE = [
  '## What can be compared',
  '',
  '| | paper | here |',
  '|---|---|---|',
  '| images | X-rays of knees and elbows, 256 px | X-ray-like knees made by arithmetic, 32 px |',
  '| networks | StyleGAN3-T | StyleGAN2, small enough for two CPU cores |',
  '| training | until convergence, days on a GPU | a fixed number of images, minutes |',
  '| distance | FID, on Inception | Fréchet distance to unseen images, on EfficientNet-Lite0 |',
  '| artifacts | seen by the authors | share of images more unusual than 99 % of the real ones |',
  '| repeats | one run of each | two or three, which differ in their seed |',
  '',
  'The procedure is the same, so directions can be compared: whether more images help, whether',
  'tuning exceeds the spread over seeds, how classifiers rank. Numbers of images and values of the',
  'metrics cannot: phantoms at 32 px need fewer images than X-rays at 256 px. The blind test with a',
  'clinician is not repeated.',
  '',
];

function finding(published: string, ours: string): string {
  return `${wrapped(`**Paper:** ${published}`)}\n\n${wrapped(`**Here:** ${ours}`)}`;
}

/** A paragraph in lines of at most 100 characters. */
function wrapped(text: string): string {
  return text.replace(/(.{1,100})(?: +|$)/g, '$1\n').trimEnd();
}

function missing(runs: readonly unknown[]): string[] {
  return runs.length > 0 ? ['', `Runs without a result, which are left out: ${runs.length}.`] : [];
}

function imageSection(title: string, figure: string, alt: string, text: readonly string[]): string[] {
  return [`## ${title}`, '', ...text, ...(text.length > 0 ? [''] : []), `![${alt}](${figure}.png)`, ''];
}

function sizeSection(title: string, figure: string, result: SizeResult, published: string): string[] {
  const ours = result.answers.map(({ text }) => text).join(' ');
  const rows = result.sizes.map(({ size, runs, mean, spread, kimg, artifacts }) => [
    String(size),
    digits(mean),
    spread === null ? '' : digits(spread),
    percent(artifacts['artifacts.unusual']),
    digits(kimg),
    String(runs),
  ]);
  return imageSection(title, figure, 'Fréchet distance by number of training images', [
    finding(published, ours),
    ...missing(result.missing),
    '',
    ...table(['images', 'Fréchet distance', 'spread over seeds', 'unusual images', 'kimg', 'runs'], rows),
  ]);
}

/** Table 2: our classifiers below those of the paper. */
function classifierSection({ analyses }: KneeResult): string[] {
  const classifiers = analyses.find(({ analysis }) => analysis === 'classifiers');
  const published = PUBLISHED_ACCURACY.map(({ network, base, ganTrain, ganTest }) => [
    `${network} (paper)`,
    ...withDifference(base, ganTrain, ganTest),
  ]);
  const accuracies = new Map(
    (classifiers?.values ?? []).map(({ name, value }) => [name, 100 * value] as const),
  );
  const ours = [...accuracies.keys()].flatMap((name) => {
    const model = /^(.+)\.accuracy\.base$/.exec(name)?.[1];
    if (!model) return [];
    const [base, ganTrain, ganTest] = SETTINGS.map((setting) =>
      accuracies.get(`${model}.accuracy.${setting}`),
    );
    return base === undefined || ganTrain === undefined || ganTest === undefined
      ? []
      : [
          [
            `${model.replace('.classes_', ', classes ').replaceAll('_', ' and ')} (here)`,
            ...withDifference(base, ganTrain, ganTest),
          ],
        ];
  });
  return [
    '## Table 2: GAN-train and GAN-test',
    '',
    'Accuracy in percent, and its difference to base relative to the mean of both, as in the paper.',
    'Its classifiers tell class 0 from class 3, as do those here that name these classes.',
    '',
    ...table(['network', 'base', 'GAN-train', 'GAN-test'], [...published, ...ours]),
    '',
    ...(classifiers ? [wrapped(`**Here:** ${classifiers.statement}`)] : []),
  ];
}

const SETTINGS = ['base', 'gan_train', 'gan_test'] as const;

function withDifference(base: number, ganTrain: number, ganTest: number): string[] {
  const other = (value: number) => {
    const difference = (200 * (value - base)) / (value + base);
    return `${value.toFixed(2)} (${difference > 0 ? '+' : ''}${difference.toFixed(1)} %)`;
  };
  return [base.toFixed(2), other(ganTrain), other(ganTest)];
}

function table(columns: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)];
}

function digits(value: number): string {
  return String(Number(value.toPrecision(4)));
}

function percent(share: number | undefined): string {
  return share === undefined ? '' : `${(100 * share).toFixed(0)} %`;
}
