/**
 * Analyses of a synthetic set beyond its distances, in one form that reports, tables and machines
 * read.
 */

/** Analyses in the order in which reports show them. */
export const ANALYSIS_NAMES = ['memorization', 'artifacts', 'nuisances', 'classifiers'] as const;
export type AnalysisName = (typeof ANALYSIS_NAMES)[number];

/** What a value means for a reader: nothing to fear, read with care, or do not use the set. */
export type Level = 'good' | 'caution' | 'warning';

/** A 95 % interval. */
export interface Interval {
  low: number;
  high: number;
}

/**
 * Values of `artifacts` where rejection is asked for: the number of rejected images, and recall and
 * coverage of all images and of the accepted ones.
 */
export const REJECTION_VALUES = {
  count: 'rejected',
  recall: { all: 'recall.all', accepted: 'recall.accepted' },
  coverage: { all: 'coverage.all', accepted: 'coverage.accepted' },
} as const;

export interface AnalysisValue {
  /** Its full name in `metrics.json` is `<analysis>.<name>`. */
  name: string;
  title: string;
  value: number;
  interval?: Interval;
  /** The same value of real images, which the value is read by. */
  floor?: number;
  /** Explanation in plain language. */
  text: string;
  /** Digits after the decimal point. */
  digits: number;
}

export interface AnalysisTable {
  title: string;
  columns: string[];
  rows: (string | number | null)[][];
  /** Digits of its numbers after the decimal point. */
  digits: number;
  /** `matrix`: cells are shaded by their number, as in a confusion matrix. */
  kind: 'table' | 'matrix';
}

export interface AnalysisFigure {
  title: string;
  caption: string;
  /** Alternative text. */
  alt: string;
  /** File name below the results of the evaluation, `figures/<name>.png` or `.svg`. */
  file: string;
}

export interface AnalysisResult {
  analysis: AnalysisName;
  title: string;
  level: Level;
  /** The result in one or two plain sentences. */
  statement: string;
  values: AnalysisValue[];
  tables: AnalysisTable[];
  figures: AnalysisFigure[];
  /** What usually helps, as sentences. */
  advice: string[];
  /** What a reader must know beside the numbers. */
  caveats: string[];
}

/** Analyses in the order of their names, whatever the order in which they were made. */
export function inOrder(analyses: readonly AnalysisResult[]): AnalysisResult[] {
  return [...analyses].sort(
    (a, b) => ANALYSIS_NAMES.indexOf(a.analysis) - ANALYSIS_NAMES.indexOf(b.analysis),
  );
}

/** Keeps a figure of an analysis. @param file as in `AnalysisFigure` */
export type KeepFigure = (file: string, bytes: Uint8Array) => Promise<void>;

/** Values of analyses by full name, as `metrics.json` has them. */
export function analysisMetrics(analyses: readonly AnalysisResult[]): Record<string, number> {
  return Object.fromEntries(
    analyses.flatMap(({ analysis, values }) =>
      values.map(({ name, value }) => [`${analysis}.${name}`, value] as const),
    ),
  );
}
