/** The metrics as a LaTeX table, without packages. */
import { type Measured, metricRows, shownNumber } from '../metric-rows.js';
import type { ReportInput } from '../report-input.js';

type Tabulated = Pick<ReportInput, 'metrics' | 'intervals' | 'caveats' | 'analyses' | 'runId'>;

/** One `table` environment to `\input` into a paper; values of real images are a column. */
export function metricsTex(input: Tabulated): string {
  const metrics = metricRows(input)
    .filter(({ isFloor }) => !isFloor)
    .map((row) => [
      escapeTex(row.title),
      row.extractor === null ? '' : escapeTex(row.extractor),
      shown(row, row.digits),
      row.floor ? shown(row.floor, row.digits) : '',
      String(row.images[0]?.[1] ?? ''),
    ]);
  const analyses = input.analyses.flatMap(({ values }) =>
    values.map(({ title, value, interval, floor, digits }) => [
      escapeTex(title),
      '',
      shown({ value, interval: interval ?? null }, digits),
      floor === undefined ? '' : shownNumber(floor, digits),
      '',
    ]),
  );
  const line = (cells: readonly string[]) => `${cells.join(' & ')} \\\\`;
  return `${[
    `% Metrics of run ${input.runId.replaceAll(/[^\w.-]/g, '')}; intervals are 95 \\%.`,
    '\\begin{table}',
    '\\begin{tabular}{llrrr}',
    '\\hline',
    line(['Measure', 'Extractor', 'Synthetic', 'Real', 'Images']),
    '\\hline',
    ...[...metrics, ...analyses].map(line),
    '\\hline',
    '\\end{tabular}',
    '\\caption{Metrics of the synthetic images. Real: the same between two sets of real images. In brackets: 95 \\% interval.}',
    '\\end{table}',
  ].join('\n')}\n`;
}

function shown({ value, interval }: Measured, digits: number | null): string {
  const number = (of: number) => shownNumber(of, digits).replace(/^-/, '$-$');
  return interval ? `${number(value)} [${number(interval.low)}, ${number(interval.high)}]` : number(value);
}

const SPECIAL: Record<string, string> = {
  '\\': '\\textbackslash{}',
  '~': '\\textasciitilde{}',
  '^': '\\textasciicircum{}',
  '<': '\\textless{}',
  '>': '\\textgreater{}',
};

export function escapeTex(text: string): string {
  return text
    .replace(/[\\&%$#_{}~^<>]/g, (character) => SPECIAL[character] ?? `\\${character}`)
    .replace(/\s+/g, ' ');
}
