/** The labels of a CSV file: a column of labels, or a column of 0 and 1 for each finding. */
import { counted } from '../../core/counted.js';
import { DatasetError } from '../../core/errors.js';
import type { LabelsSpec } from '../../spec/preprocess.js';
import { parseCsv } from './csv.js';
import { type Indicator, indicatorOf, type Reading, readIndicators } from './indicators.js';
import type { LabelRow } from './label-table.js';

type CsvSpec = Extract<LabelsSpec, { csv: string }>;
type Column = 'path' | 'label' | 'patient';

/** Usual names of columns, the most telling ones first. */
const COLUMNS: Record<Column, readonly RegExp[]> = {
  path: [
    /^(image|file|img)?[ _-]*(path|file ?name|file)$/i,
    /^(image|img)([ _-]*(name|index|id))?$/i,
    /^(name|index|id|id[ _-]?code)$/i,
  ],
  label: [
    /^((finding|class)[ _-]?)?labels?$/i,
    /^((finding|class)[ _-]?)?(class(es)?|grade|kl([ _-]?grade)?|target|diagnosis|dx|findings?|category)$/i,
  ],
  patient: [/^(patient|subject)([ _-]?(id|number|no\.?))?$|^pid$/i],
};

/** The rows of a table, and what is to be said of them. */
export interface CsvLabels {
  rows: LabelRow[];
  why: string;
  notices: string[];
}

/** A table whose first line is taken off. */
interface Table {
  header: readonly string[];
  rows: readonly string[][];
}

/**
 * The rows of a CSV file. Columns are named by the spec, or have usual names. Without a column of
 * labels, the columns that hold nothing but 0, 1, -1 and blanks are findings.
 *
 * @throws DatasetError when a column cannot be found, or its cells are no labels
 */
export function csvRows(text: string, spec: CsvSpec): CsvLabels {
  const table = parseCsv(text);
  const [first, ...rows] = table ?? [];
  if (!table || !first)
    throw csvError(
      spec.csv,
      table ? 'is empty' : 'has a quote that is not closed, or text after a closing one',
    );
  const header = first.map((name) => name.trim());
  const path = columnOf(header, 'path', spec.path, spec);
  const patient = columnOf(header, 'patient', spec.patient, spec);
  if (path === null)
    throw csvError(spec.csv, `needs columns of file names and labels; ${describeColumns(header)}`);
  const found = labelsOf({ header, rows }, [path, patient], spec);
  const lines = rows.map((row, i) => ({
    row: i + 2,
    path: row[path]?.trim() ?? '',
    label: found.labels[i] ?? null,
    patient: (patient === null ? '' : row[patient]?.trim()) || null,
  }));
  const columns = `images by the column ${JSON.stringify(header[path])}`;
  return {
    rows: lines.filter((line) => line.path !== ''),
    why: `${found.why}, ${columns}`,
    notices: found.notices,
  };
}

/** The label of each row; null for none. */
interface FoundLabels {
  labels: (string | null)[];
  why: string;
  notices: string[];
}

function labelsOf(table: Table, others: readonly (number | null)[], spec: CsvSpec): FoundLabels {
  if (Array.isArray(spec.label)) {
    const columns = spec.label.map((name) => namedColumn(table.header, name, spec));
    return fromIndicators(table, columns, spec);
  }
  const column = columnOf(table.header, 'label', spec.label, spec);
  if (column !== null) return fromColumn(table, column, spec);
  const columns = table.header
    .map((_, at) => at)
    .filter((at) => !others.includes(at) && isIndicator(table.rows, at));
  // One column of 0 and 1 may be anything.
  if (columns.length > 1) return fromIndicators(table, columns, spec);
  throw csvError(spec.csv, `needs columns of file names and labels; ${describeColumns(table.header)}`);
}

function fromColumn({ header, rows }: Table, column: number, spec: CsvSpec): FoundLabels {
  const labels = rows.map((row) => findingOf(row[column]?.trim() ?? '', spec));
  const { findings } = spec;
  if (typeof findings === 'object' && !labels.includes(findings.one))
    throw csvError(spec.csv, `has no row with the finding "${findings.one}"`);
  const isUncertain = isIndicator(rows, column) && rows.some((row) => indicatorOf(row[column]) === -1);
  const name = JSON.stringify(header[column]);
  const notice = `the column ${name} has 0, 1 and -1, which are three classes now: with label: [${name}] it is one finding, uncertain where it is -1`;
  return {
    labels,
    why: `the column ${name} of a CSV file gives the label of each image`,
    notices: isUncertain ? [notice] : [],
  };
}

/** Whether all cells of a column are 0, 1, -1 or blank, and not all of them blank. */
function isIndicator(rows: readonly string[][], column: number): boolean {
  const values = rows.map((row) => indicatorOf(row[column]));
  return values.every((value) => value !== undefined) && values.some((value) => value !== null);
}

function fromIndicators({ header, rows }: Table, columns: readonly number[], spec: CsvSpec): FoundLabels {
  const names = columns.map((at) => header[at] as string);
  const { findings } = spec;
  if (typeof findings === 'object' && !names.includes(findings.one))
    throw csvError(
      spec.csv,
      `has no finding "${findings.one}"; its findings: ${names.map((name) => `"${name}"`).join(', ')}`,
    );
  const cells = rows.map((row, i) =>
    columns.map((at) => {
      const value = indicatorOf(row[at]);
      if (value !== undefined) return value;
      throw csvError(
        spec.csv,
        `has another value than 0, 1, -1 and blank in row ${i + 2} of the column "${header[at]}"`,
      );
    }),
  );
  const readings = cells.map((values) => readIndicators(names, values as Indicator[], spec));
  return {
    labels: readings.map(({ label }) => label),
    why: `a CSV file has ${names.length} ${names.length === 1 ? 'column' : 'columns'} of findings`,
    notices: noticesOf(readings, columns.length > 1 ? 0 : cells.filter(([value]) => value === null).length),
  };
}

function noticesOf(readings: readonly Reading[], blank: number): string[] {
  const uncertain = readings.filter(({ isUncertain }) => isUncertain).length;
  const notices: string[] = [];
  if (uncertain > 0)
    notices.push(
      `${counted(uncertain, 'rows have no label')}, since a finding that decides it is uncertain (-1): uncertain: positive or negative of preprocess.labels takes it as one`,
    );
  if (blank > 0)
    notices.push(`${counted(blank, 'rows are blank')} in the only column of findings: it counts as absent`);
  return notices;
}

/** Index of the column that the spec names, or that has a usual name; null for none. */
function columnOf(
  header: readonly string[],
  key: Column,
  wanted: string | undefined,
  spec: CsvSpec,
): number | null {
  if (wanted !== undefined) return namedColumn(header, wanted, spec);
  for (const usual of COLUMNS[key]) {
    const at = header.findIndex((name) => usual.test(name));
    if (at >= 0) return at;
  }
  return null;
}

/** Case and spaces around a name do not matter. */
function namedColumn(header: readonly string[], wanted: string, spec: CsvSpec): number {
  const isNamed = (name: string) => name.toLowerCase() === wanted.trim().toLowerCase();
  const at = header.findIndex(isNamed);
  if (at < 0) throw csvError(spec.csv, `has no column "${wanted}"; ${describeColumns(header)}`);
  if (header.filter(isNamed).length > 1) throw csvError(spec.csv, `has several columns "${wanted}"`);
  return at;
}

/** Names the columns, unless the first line may be data, which can name patients. */
function describeColumns(header: readonly string[]): string {
  const isHeader = header.every(
    (name) => /^[\p{L}_][\p{L}\w #()/[\],.-]*$|^$/u.test(name) && !/\d{4}/.test(name),
  );
  return isHeader
    ? `its columns: ${header.map((name) => `"${name}"`).join(', ')}`
    : 'its first line must name the columns';
}

/** The label of a cell; null for an empty one. */
function findingOf(cell: string, { separator, findings }: CsvSpec): string | null {
  const all = cell
    .split(separator)
    .map((finding) => finding.trim())
    .filter(Boolean);
  if (all.length === 0) return null;
  if (findings === 'first') return all[0] as string;
  // The same findings in another order are the same class.
  if (findings === 'combined') return [...new Set(all)].sort().join(separator);
  return all.includes(findings.one) ? findings.one : `not ${findings.one}`;
}

function csvError(where: string, what: string): DatasetError {
  return new DatasetError({
    what,
    where,
    hint: 'Name the columns: labels: {csv, path: COLUMN, label: COLUMN, patient: COLUMN}; several columns of 0 and 1 are label: [COLUMN, COLUMN].',
  });
}
