/** The metrics of a report as rows, for the page and for the tables of other programs. */
import { ANALYSIS_NAMES, type Interval } from '../spec/analyses.js';
import { findMetricValue } from '../spec/metrics.js';
import { explainMetric, rankOfMetric } from './explanations.js';
import type { ReportInput } from './report-input.js';

export interface Measured {
  value: number;
  /** 95 % interval. */
  interval: Interval | null;
}

export interface MetricRow extends Measured {
  /** Full name, as in metrics.json. */
  name: string;
  title: string;
  text: string;
  /** Digits after the decimal point; null: unknown to this version. */
  digits: number | null;
  /** The same of real images, which the value is read by. */
  floor: Measured | null;
  /** What the synthetic images are compared with. */
  reference: 'holdout' | 'train' | 'none';
  /** Whether it is a value of real images only. */
  isFloor: boolean;
  /** Numbers of images: pairs of set and number, null where it is unknown. */
  images: [set: string, images: number | null][];
  extractor: string | null;
  /** Caveats that name the metric, by their numbers from 1 on. */
  notes: number[];
}

type Metrics = Pick<ReportInput, 'metrics' | 'intervals' | 'caveats'>;

/** Rows by rank; numbers of images and values of analyses are shown elsewhere. */
export function metricRows(input: Metrics): MetricRow[] {
  return Object.keys(input.metrics)
    .filter((name) => !name.startsWith('images.') && !isOfAnalysis(name))
    .sort((a, b) => rankOfMetric(a) - rankOfMetric(b) || (a < b ? -1 : 1))
    .map((name) => rowOf(name, input));
}

function isOfAnalysis(name: string): boolean {
  return ANALYSIS_NAMES.some((analysis) => name.startsWith(`${analysis}.`));
}

function rowOf(name: string, input: Metrics): MetricRow {
  const known = explainMetric(name);
  const found = findMetricValue(name);
  const metric = name.split('.')[0] ?? name;
  const floor = found?.floor && found.floor in input.metrics ? measured(found.floor, input) : null;
  const sets = found?.sets ?? [];
  const compared = sets[1] === 'holdout' || sets[1] === 'train' ? sets[1] : 'none';
  return {
    name,
    title: known?.title ?? name,
    text: known?.text ?? '',
    digits: known?.digits ?? null,
    ...measured(name, input),
    floor,
    reference: compared,
    isFloor: found !== undefined && found.floor === null,
    images: sets.map((set) => [set, input.metrics[`images.${set}`] ?? null]),
    extractor: found?.metric.extractor ?? null,
    notes: input.caveats.flatMap((caveat, i) => (isAbout(caveat, name, metric) ? [i + 1] : [])),
  };
}

/** Whether a caveat begins with the value, or with its metric as a whole. */
function isAbout(caveat: string, name: string, metric: string): boolean {
  const subject = /^[\w.]*\w/.exec(caveat)?.[0];
  return subject === name || subject === metric;
}

function measured(name: string, { metrics, intervals }: Metrics): Measured {
  return { value: metrics[name] as number, interval: intervals[name] ?? null };
}

/** A value with its interval, as HTML. */
export function shownMeasure({ value, interval }: Measured, digits: number | null): string {
  const range = interval
    ? `<span class="range">${shownNumber(interval.low, digits)} to ${shownNumber(interval.high, digits)}</span>`
    : '';
  return `${shownNumber(value, digits)}${range}`;
}

/** A number with the digits of its metric. */
export function shownNumber(value: number, digits: number | null): string {
  if (!Number.isFinite(value)) return 'not a number';
  return digits === null ? String(Number(value.toPrecision(5))) : value.toFixed(digits);
}
