/** What an evaluation means in plain sentences: what it shows, and what it does not. */
import { type AnalysisName, inOrder, type Level } from '../spec/analyses.js';
import { type BaseMetric, findMetricValue } from '../spec/metrics.js';
import type { Conclusion } from '../spec/results.js';
import { type MetricRow, metricRows, shownNumber } from './metric-rows.js';
import type { ReportInput } from './report-input.js';

/** A distance up to this multiple of that of two real sets counts as equal, or as close. */
const EQUAL = 1.2;
const CLOSE = 2;
/** From this multiple on, the images are far from real ones. */
const FAR = 5;
/** From this number of images on, most values hardly depend on it. */
const ENOUGH_IMAGES = 1_000;

const HEADLINES: Record<Level, string> = {
  good: 'By the measures of this report, the synthetic images are close to real ones.',
  caution: 'The synthetic images need to be used with care.',
  warning: 'Do not use the synthetic images in place of real ones as they are.',
};

/** What is not known without an analysis. */
const WITHOUT: Record<AnalysisName, string> = {
  memorization:
    'Nothing here searches for copies of single training images. Review the synthetic images before you share them.',
  artifacts: 'Nothing here searches for single images with faults, such as joints that do not meet.',
  nuisances: 'Nothing here says what the distance is made of.',
  classifiers: 'Nothing here says whether the synthetic images help to train a classifier.',
};

type Concluded = Pick<
  ReportInput,
  | 'metrics'
  | 'intervals'
  | 'caveats'
  | 'analyses'
  | 'extractors'
  | 'dataset'
  | 'synthetic'
  | 'gaps'
  | 'isTrained'
>;

export function conclude(input: Concluded): Conclusion {
  const rows = metricRows(input);
  const distance = distanceFinding(rows);
  const levels = [distance.level, ...input.analyses.map(({ level }) => level)];
  if (!has(input, 'memorization')) levels.push('caution');
  const level = (['warning', 'caution', 'good'] as const).find((one) => levels.includes(one)) ?? 'good';
  return {
    level,
    headline: HEADLINES[level],
    shows: [
      origin(input),
      ...distance.sentences,
      ...resemblance(rows),
      ...inOrder(input.analyses).map(({ title, statement }) => `${shortTitle(title)}: ${statement}`),
    ],
    limits: limitsOf(input, rows),
  };
}

/** What comes before a colon or in front of brackets: a statement follows. */
function shortTitle(title: string): string {
  return title.replace(/(: | \().*$/, '');
}

function origin({ dataset, synthetic, isTrained }: Concluded): string {
  const { train, holdout, resolution, classes } = dataset;
  const held = holdout > 0 ? `${holdout} more were held out for this evaluation` : 'none were held out';
  const kind = classes ? ` in ${classes.length} classes` : '';
  const start = isTrained
    ? `The generator was trained on ${train} real images${kind}`
    : `The data set has ${train} real images for training${kind}`;
  return `${start} (${resolution} x ${resolution} pixels); ${held}. The synthetic set has ${count(synthetic.images, 'image')}.`;
}

/** The first distance to unseen images, beside that of two real sets. */
function distanceFinding(rows: readonly MetricRow[]): { level: Level; sentences: string[] } {
  const row = rows.find((one) => isMainOf(one, 'fd') && one.floor !== null);
  if (!row?.floor) return { level: 'caution', sentences: kernelSentence(rows) };
  const { value, floor, digits, extractor } = row;
  const measure = `A neural network compares the synthetic images with unseen real images: their distance is ${shownNumber(value, digits)} (Fréchet distance, ${extractor}); that of the training images, which are real, is ${shownNumber(floor.value, digits)}.`;
  const { level, reading } = readDistance(row);
  return { level, sentences: [`${measure} ${reading}`] };
}

function readDistance({ value, interval, floor }: MetricRow): { level: Level; reading: string } {
  const ratio = value / Math.max(floor?.value ?? 0, Number.EPSILON);
  const overlaps =
    interval !== null && floor?.interval !== null && floor !== null && interval.low <= floor.interval.high;
  if (ratio <= EQUAL || (overlaps && ratio <= CLOSE))
    return { level: 'good', reading: 'By this measure there is hardly a difference between the two.' };
  const times = `The synthetic images are ${ratio.toFixed(1)} times as far away`;
  if (ratio <= CLOSE) return { level: 'caution', reading: `${times}: close, but not equal.` };
  if (ratio <= FAR) return { level: 'caution', reading: `${times}: they differ clearly from real images.` };
  return { level: 'warning', reading: `${times}: they are far from real images.` };
}

/** Where there is no Fréchet distance. The kernel distance of real sets is about 0: no ratio. */
function kernelSentence(rows: readonly MetricRow[]): string[] {
  const row = rows.find((one) => isMainOf(one, 'kid'));
  if (!row) return [];
  const floor = row.floor ? `; that of two real sets is ${shownNumber(row.floor.value, row.digits)}` : '';
  return [
    `The kernel distance (${row.extractor}) of the synthetic images to unseen real images is ${shownNumber(row.value, row.digits)}${floor}.`,
  ];
}

/** Precision and recall as numbers of a hundred images. */
function resemblance(rows: readonly MetricRow[]): string[] {
  const find = (value: string) => rows.find((row) => isOf(row, 'pr') && row.name.endsWith(`.${value}`));
  const of = ({ value, floor }: MetricRow) =>
    `${hundredths(value)} of 100${floor ? ` (real images: ${hundredths(floor.value)} of 100)` : ''}`;
  const [precision, recall] = [find('precision'), find('recall')];
  return [
    ...(precision ? [`Synthetic images that look like some unseen real image: ${of(precision)}.`] : []),
    ...(recall ? [`Unseen real images that look like some synthetic image: ${of(recall)}.`] : []),
  ];
}

function hundredths(fraction: number): string {
  const count = fraction * 100;
  return count > 0 && count < 1 ? 'less than 1' : String(Math.round(count));
}

function limitsOf(input: Concluded, rows: readonly MetricRow[]): string[] {
  const { extractors, gaps, dataset } = input;
  const limits: string[] = [];
  if (dataset.holdout < 2)
    limits.push(
      'No real images were held out. Nothing here says how good the images are: values against the training images are too favorable.',
    );
  else if (rows.length === 0)
    limits.push('There are no metrics: the sets are too small, or none was asked for.');
  limits.push(...countLimits(input));
  const missing = (Object.keys(WITHOUT) as AnalysisName[]).filter((name) => !has(input, name));
  limits.push(...missing.map((name) => WITHOUT[name]));
  const networks = Object.keys(extractors).filter((name) => name !== 'radiomics');
  if (networks.length > 0)
    limits.push(
      `The distances compare what a network for photographs sees (${networks.join(', ')}). It may miss what matters in medical images.`,
    );
  if (gaps.length > 0)
    limits.push(
      `The curves of the training have gaps: ${count(gaps.length, 'snapshot')} could not be measured.`,
    );
  limits.push(
    'No number replaces a review by an expert in the anatomy. Nothing here shows that the images are fit for a diagnosis, or that they are anonymous.',
  );
  return limits;
}

function countLimits({ metrics, dataset }: Concluded): string[] {
  const unseen = metrics['images.holdout'];
  const synthetic = metrics['images.synthetic'];
  const few = Math.min(unseen ?? ENOUGH_IMAGES, synthetic ?? ENOUGH_IMAGES);
  if (few >= ENOUGH_IMAGES) return [];
  const sets = [
    ...(unseen === undefined ? [] : [`${unseen} unseen real`]),
    ...(synthetic === undefined ? [] : [`${synthetic} synthetic`]),
  ];
  const floor = dataset.holdout < 2 ? '' : ' Read each value beside that of two real sets.';
  return [
    `The values come from ${sets.join(' and ')} images: with so few, most values change with the number. Compare them only with values of as many images.${floor}`,
  ];
}

function has({ analyses }: Concluded, name: AnalysisName): boolean {
  return analyses.some(({ analysis }) => analysis === name);
}

/** Whether it is a value against unseen images. */
function isOf(row: MetricRow, base: BaseMetric): boolean {
  return row.reference === 'holdout' && !row.isFloor && findMetricValue(row.name)?.metric.base === base;
}

/** Whether it is the value of a metric itself, as `fd_effnetlite0.holdout`. */
function isMainOf(row: MetricRow, base: BaseMetric): boolean {
  return isOf(row, base) && row.name.split('.').length === 2;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
