/** The metrics as comma-separated values (RFC 4180), one line for each value. */
import { type Measured, metricRows } from '../metric-rows.js';
import type { ReportInput } from '../report-input.js';

const COLUMNS = [
  'name',
  'title',
  'value',
  'low',
  'high',
  'real',
  'real_low',
  'real_high',
  'extractor',
  'images',
] as const;

/** `low` and `high` are the 95 % interval; `real` is the same value of two real sets. */
export function metricsCsv(
  input: Pick<ReportInput, 'metrics' | 'intervals' | 'caveats' | 'analyses'>,
): string {
  const range = (of: Measured | null) => [of?.value, of?.interval?.low, of?.interval?.high];
  const metrics = metricRows(input).map((row) => [
    row.name,
    row.title,
    ...range(row),
    ...range(row.floor),
    row.extractor ?? '',
    row.images.map(([set, number]) => `${set} ${number ?? '?'}`).join('; '),
  ]);
  const analyses = input.analyses.flatMap(({ analysis, values }) =>
    values.map(({ name, title, value, interval, floor }) => [
      `${analysis}.${name}`,
      title,
      value,
      interval?.low,
      interval?.high,
      floor,
      ...['', '', '', ''],
    ]),
  );
  return [COLUMNS, ...metrics, ...analyses].map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

/** A text that a spreadsheet would compute as a formula begins with an apostrophe. */
function cell(value: string | number | undefined): string {
  if (value === undefined) return '';
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : '';
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
