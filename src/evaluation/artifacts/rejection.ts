/** What a filter by the artifact score would leave, and what it costs in variety. */
import {
  type AnalysisTable,
  type AnalysisValue,
  type KeepFigure,
  REJECTION_VALUES,
} from '../../spec/analyses.js';
import type { OnProgress } from '../../core/progress.js';
import { type AnalyzedSet, drawn } from '../analyses/analyzed-set.js';
import { densityCoverageMetric } from '../metrics/density-coverage.js';
import { type FeatureMatrix, rowsAt } from '../metrics/feature-matrix.js';
import { precisionRecallMetric } from '../metrics/precision-recall.js';
import type { Measurement } from '../metrics/metric.js';
import type { Found } from './found.js';
import { SCORE_NAMES } from './scores.js';

/** The scores of every image, beside the other results. */
export const SCORES_FILE = 'artifacts.json';

/** Quantiles of the real scores for which the effect of a filter is shown. */
const FILTERS = [0.99, 0.95, 0.9];
/** Recall compares all pairs. */
const MAX_COMPARED = 10_000;

type Value = 'precision' | 'recall' | 'coverage';

interface Filtered {
  /** Images above the chosen quantile; null: none is chosen. */
  rejected: number[] | null;
  values: AnalysisValue[];
  table: AnalysisTable;
}

/** @param rejectAbove chosen quantile of the real scores; null: none */
export async function rejection(
  { holdout, synthetic }: { holdout: AnalyzedSet; synthetic: AnalyzedSet },
  found: Found,
  rejectAbove: number | null,
  onProgress: OnProgress,
): Promise<Filtered> {
  const onBlock = () => onProgress({ done: 0, unit: 'comparisons' });
  const without = (rejected: readonly number[], title: string, hasIntervals: boolean) =>
    effectOf({ holdout: holdout.features, synthetic: synthetic.features, rejected }, title, {
      hasIntervals,
      onBlock,
    });
  const isChosen = rejectAbove !== null;
  const all = await without([], 'none', isChosen);
  const quantiles = [...new Set([...FILTERS, ...(isChosen ? [rejectAbove] : [])])].sort((a, b) => b - a);
  const effects = [all];
  for (const quantile of quantiles) {
    const own = quantile === rejectAbove;
    const title = `${Number((100 * quantile).toFixed(4))} % of real scores${own ? ' (chosen)' : ''}`;
    effects.push(await without(rejectedBy(found, quantile), title, own));
  }
  const rejected = isChosen ? rejectedBy(found, rejectAbove) : null;
  const chosen = effects[1 + quantiles.indexOf(rejectAbove ?? Number.NaN)];
  return {
    rejected,
    values: rejected && chosen ? valuesOf(rejected, all, chosen) : [],
    table: tableOf(effects),
  };
}

/** Images above a quantile of the real scores. */
function rejectedBy({ combined, calibration }: Found, quantile: number): number[] {
  const { score } = calibration.threshold(1 - quantile);
  return Array.from(combined.synthetic.keys()).filter((i) => (combined.synthetic[i] as number) > score);
}

/** A set without the rejected images, against unseen images. */
interface Effect extends Measurement<Value> {
  title: string;
  images: number;
}

async function effectOf(
  sets: { holdout: FeatureMatrix; synthetic: FeatureMatrix; rejected: readonly number[] },
  title: string,
  { hasIntervals, onBlock }: { hasIntervals: boolean; onBlock: () => void },
): Promise<Effect> {
  const { holdout, synthetic } = sets;
  const out = new Set(sets.rejected);
  const kept = Array.from({ length: synthetic.rows }, (_, i) => i).filter((i) => !out.has(i));
  const effect: Effect = { title, images: kept.length, values: {}, intervals: {} };
  const compared = Int32Array.from(drawn(kept.length, MAX_COMPARED), (i) => kept[i] as number);
  const fake = compared.length === synthetic.rows ? synthetic : rowsAt(synthetic, compared);
  for (const metric of [precisionRecallMetric, densityCoverageMetric]) {
    if (Math.min(fake.rows, holdout.rows) < metric.minImages) continue;
    Object.assign(effect.values, await metric.compare(fake, holdout, onBlock));
    if (hasIntervals) Object.assign(effect.intervals, await metric.intervals(fake, holdout, onBlock));
  }
  return effect;
}

function tableOf(effects: readonly Effect[]): AnalysisTable {
  return {
    title: 'What rejecting unusual images would do (against unseen images)',
    columns: ['reject above', 'images left', 'precision', 'recall', 'coverage'],
    rows: effects.map(({ title, images, values: { precision, recall, coverage } }) => [
      title,
      String(images),
      precision ?? null,
      recall ?? null,
      coverage ?? null,
    ]),
    digits: 3,
    kind: 'table',
  };
}

const TEXTS: Record<Value, string> = {
  precision: 'share of synthetic images that are as near to a real one as real images are to each other',
  recall: 'share of real images that are as near to a synthetic one as synthetic images are to each other',
  coverage: 'share of real images that have a synthetic one in their neighborhood',
};

/** What was rejected, and the values of all images beside those of the accepted ones. */
function valuesOf(rejected: readonly number[], all: Effect, accepted: Effect): AnalysisValue[] {
  const count: AnalysisValue = {
    name: REJECTION_VALUES.count,
    title: 'Rejected images',
    value: rejected.length,
    text: `Synthetic images above generate.rejectAbove, which the set of accepted images does not have. ${SCORES_FILE} lists them.`,
    digits: 0,
  };
  const sides = [
    [all, 'all images', 'all'],
    [accepted, 'accepted images', 'accepted'],
  ] as const;
  const effects = (Object.keys(TEXTS) as Value[]).flatMap((name) =>
    sides.flatMap(([{ values, intervals }, of, side]): AnalysisValue[] => {
      const value = values[name];
      if (value === undefined) return [];
      const interval = intervals[name];
      return [
        {
          name: `${name}.${side}`,
          title: `${name[0]?.toUpperCase()}${name.slice(1)} of ${of}`,
          value,
          ...(interval && { interval }),
          text: `Against unseen images: ${TEXTS[name]}.`,
          digits: 3,
        },
      ];
    }),
  );
  return [count, ...effects];
}

/** Keeps the scores of every image, so that a set can be filtered. */
export async function putScores(
  keep: KeepFigure | null,
  { scored, combined, calibration }: Found,
  rejected: number[] | null,
): Promise<void> {
  const list = {
    ...(rejected && { rejected }),
    pValue: Array.from(combined.synthetic, (score) => rounded(calibration.pValue(score))),
    scores: Object.fromEntries(
      SCORE_NAMES.map((name) => [name, Array.from(scored.synthetic[name], rounded)]),
    ),
  };
  await keep?.(SCORES_FILE, Buffer.from(`${JSON.stringify(list)}\n`));
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
