/** How much data is enough, in words, and how far the runs determine it. */
import type { Interval } from '../spec/analyses.js';
import {
  bandAt,
  enoughImages,
  type FittedPowerLaw,
  fitPowerLaw,
  intervalOf,
  MIN_SIZES,
  type Observation,
} from './power-law.js';
import { figures, pooledSpread, type Repeats, summarize } from './spread.js';

/** The runs of one size. */
export interface SizeSummary extends Repeats {
  size: number;
}

export interface SizeAnswer {
  /** The answer in one or two sentences. */
  text: string;
  /** Whether the runs determine a number of images. */
  isDetermined: boolean;
  /** From here on `STEP` more images buy less than `gain`; null when it is not determined. */
  enough: number | null;
  interval: Interval | null;
  /** Decrease of the metric per `STEP` images that counts as worthwhile. */
  gain: number;
  fit: FittedPowerLaw | null;
}

/** Images in the unit of the answer: "per 100 images". */
export const STEP = 100;
/** Without seeds to compare, a gain of less than this part of the metric counts as none. */
const LEAST_GAIN = 0.01;
/** A wider interval of the answer, high over low, does not determine it. */
const WIDEST = 4;

export function summarizeSizes(observations: readonly Observation[]): SizeSummary[] {
  const sizes = [...new Set(observations.map(({ size }) => size))].sort((a, b) => a - b);
  return sizes.map((size) => {
    return { size, ...summarize(observations.filter((one) => one.size === size).map(({ value }) => value)) };
  });
}

/**
 * @param metric its name in the text
 * @param worthwhile as in the spec; null: chosen from the spread over seeds
 */
export function answerSizes(
  observations: readonly Observation[],
  metric: string,
  worthwhile: number | null,
): SizeAnswer {
  const sizes = summarizeSizes(observations);
  const spread = pooledSpread(sizes);
  const last = sizes.at(-1);
  const gain = worthwhile ?? Math.max(spread ?? 0, LEAST_GAIN * Math.abs(last?.mean ?? 0));
  const fit = fitPowerLaw(observations);
  const undetermined = (text: string) => ({
    text,
    isDetermined: false,
    enough: null,
    interval: null,
    gain,
    fit,
  });
  const [first] = sizes;
  if (!first || !last || sizes.length < 2)
    return undetermined('Fewer than two sizes have finished, so there is nothing to compare yet.');
  const change = changeText(first, last, metric, spread);
  if (!fit)
    return undetermined(
      `${change} The number of images that is enough is not determined: a curve needs at least ${MIN_SIZES} sizes and one more run.`,
    );
  const noise = 2 * (spread ?? gain);
  const effect = intervalOf(fit.resampled.map((law) => law.a * (first.size ** -law.b - last.size ** -law.b)));
  if (effect.low <= 0 || effect.high < noise)
    return undetermined(
      `${change} That is within the noise: these runs do not show that more images help, nor that they do not.`,
    );
  return fromFit(fit, { sizes, gain, metric, change });
}

function changeText(first: SizeSummary, last: SizeSummary, metric: string, spread: number | null): string {
  const noise =
    spread === null
      ? 'with one training of each size, so the spread over seeds is not known'
      : `where repeated trainings differ by ${figures(spread)} (standard deviation)`;
  return `From ${first.size} to ${last.size} images ${metric} goes from ${figures(first.mean)} to ${figures(last.mean)}, ${noise}.`;
}

function fromFit(
  fit: FittedPowerLaw,
  { sizes, gain, metric, change }: { sizes: SizeSummary[]; gain: number; metric: string; change: string },
): SizeAnswer {
  const smallest = sizes[0]?.size ?? 0;
  const largest = sizes.at(-1)?.size ?? 0;
  const search = { gain, step: STEP, from: smallest };
  const enough = enoughImages(fit, search);
  const interval = intervalOf(fit.resampled.map((law) => enoughImages(law, search)));
  const unit = `less than ${figures(gain)} of ${metric} per ${STEP} more images`;
  const common = { gain, fit };
  if (!Number.isFinite(interval.high) || interval.high > WIDEST * interval.low)
    return {
      ...common,
      isDetermined: false,
      enough: null,
      interval: null,
      text: `${change} The number of images from which on more buy ${unit} is not determined: the runs are consistent with ${rounded(interval.low)} to ${Number.isFinite(interval.high) ? rounded(interval.high) : 'any number of'} images. More repeats, or sizes in between and above, would narrow it.`,
    };
  const range = `95 % interval ${rounded(interval.low)} to ${rounded(interval.high)}`;
  const answer = { ...common, isDetermined: true, enough: Math.round(enough), interval };
  if (interval.high <= smallest)
    return {
      ...answer,
      text: `${change} Already from ${smallest} images on, more buy ${unit}.`,
    };
  if (enough > largest)
    return {
      ...answer,
      text: `${change} Up to ${largest} images, more images still help. By the fitted curve more than ${rounded(enough)} images (${range}) buy ${unit}; that is beyond the sizes that were tried.`,
    };
  return { ...answer, text: `More than ${rounded(enough)} images (${range}) buy ${unit}. ${change}` };
}

/** The curve and its band at evenly spaced sizes, for a plot. */
export function curveOf(
  fit: FittedPowerLaw,
  from: number,
  to: number,
): { size: number; value: number; band: Interval }[] {
  const count = 48;
  return Array.from({ length: count + 1 }, (_, i) => {
    const size = from + ((to - from) * i) / count;
    return { size, value: fit.a * size ** -fit.b + fit.c, band: bandAt(fit, size) };
  });
}

/** Two significant digits: the interval does not allow more. */
function rounded(images: number): string {
  return String(Number(images.toPrecision(2)));
}
