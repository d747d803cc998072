/** Labels from a table: rows of CSV or JSON, matched to the images by path or file name. */
import { counted } from '../../core/counted.js';
import { DatasetError } from '../../core/errors.js';
import type { LabelsSpec } from '../../spec/preprocess.js';
import { parseCsv } from './csv.js';
import { plainPath } from './layout.js';

/** One row of a table. */
export interface LabelRow {
  /** Path or name of the image. */
  path: string;
  /** null when the table leaves it open. */
  label: string | null;
  patient: string | null;
  /** Number of the row in its table, from 1 for the line that names the columns. */
  row: number;
}

/** Labels of images in their order; null for those without a row. */
export interface MatchedRows {
  labels: (string | null)[];
  patients: (string | null)[];
  imagesWithoutRow: number;
  rowsWithoutImage: number;
}

type CsvSpec = Extract<LabelsSpec, { csv: string }>;

const COLUMNS = {
  path: /^(image|file|img)?[ _-]*(path|file ?name|name|index|id|file|image)$/i,
  label:
    /^((finding|class)[ _-]?)?(labels?|class(es)?|grade|kl([ _-]?grade)?|target|diagnosis|findings?|category)$/i,
  patient: /^(patient|subject)([ _-]?(id|number|no\.?))?$|^pid$/i,
};

/**
 * The rows of a CSV file. Columns are named by the spec, or have usual names.
 *
 * @throws DatasetError when a column cannot be found
 */
export function csvRows(text: string, spec: CsvSpec): LabelRow[] {
  const table = parseCsv(text);
  const [header, ...rows] = table ?? [];
  if (!table || !header) throw csvError(spec.csv, table ? 'is empty' : 'has a quote that is not closed');
  const find = (key: 'path' | 'label' | 'patient') => columnOf(header, key, spec);
  const [path, label, patient] = [find('path'), find('label'), find('patient')];
  if (path === null || label === null)
    throw csvError(spec.csv, `needs columns of file names and labels; ${describeColumns(header)}`);
  const lines = rows.map((row, i) => ({
    row: i + 2,
    path: row[path]?.trim() ?? '',
    label: findingOf(row[label]?.trim() ?? '', spec),
    patient: (patient === null ? '' : row[patient]?.trim()) || null,
  }));
  const { findings } = spec;
  if (typeof findings === 'object' && !lines.some((line) => line.label === findings.one))
    throw csvError(spec.csv, `has no row with the finding "${findings.one}"`);
  return lines.filter((line) => line.path !== '');
}

/** Index of a column, or null. Case and spaces around a name do not matter. */
function columnOf(
  header: readonly string[],
  key: 'path' | 'label' | 'patient',
  spec: CsvSpec,
): number | null {
  const wanted = spec[key];
  const names = header.map((name) => name.trim());
  const at =
    wanted === undefined
      ? names.findIndex((name) => COLUMNS[key].test(name))
      : names.findIndex((name) => name.toLowerCase() === wanted.trim().toLowerCase());
  if (at < 0 && wanted !== undefined)
    throw csvError(spec.csv, `has no column "${wanted}"; ${describeColumns(header)}`);
  return at < 0 ? null : at;
}

/** Names the columns, unless the first line may be data, which can name patients. */
function describeColumns(header: readonly string[]): string {
  const isHeader = header.every(
    (name) => /^[\p{L}_][\p{L}\w #()-]*$/u.test(name.trim()) && !/\d{4}/.test(name),
  );
  return isHeader
    ? `its columns: ${header.map((name) => `"${name.trim()}"`).join(', ')}`
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
    hint: 'Name the columns: labels: {csv, path: COLUMN, label: COLUMN, patient: COLUMN}.',
  });
}

/**
 * Matches rows to images: by the whole path, or by as much of it as both have. Without folders in
 * the row its file name decides, with or without the extension.
 *
 * @throws DatasetError when rows match several images, or contradict each other
 */
export function matchRows(rows: readonly LabelRow[], names: readonly string[], where: string): MatchedRows {
  const paths = names.map(plainPath);
  const byName = indexByName(paths);
  const labels = new Array<string | null>(names.length).fill(null);
  const patients = new Array<string | null>(names.length).fill(null);
  // The row that has given an image its label.
  const matched = new Uint32Array(names.length);
  let rowsWithoutImage = 0;
  let ambiguous = 0;
  const contradicting: string[] = [];
  for (const row of rows) {
    const found = imagesOf(plainPath(row.path.replaceAll('\\', '/')), paths, byName);
    const [image] = found;
    if (found.length > 1) ambiguous++;
    else if (image === undefined) rowsWithoutImage++;
    else if (matched[image]) {
      const other = differenceOf(row, labels[image] as string | null, patients[image] as string | null);
      if (other) contradicting.push(`rows ${matched[image]} and ${row.row} give an image ${other}`);
      patients[image] ??= row.patient;
    } else [matched[image], labels[image], patients[image]] = [row.row, row.label, row.patient];
  }
  if (ambiguous > 0) throw unclear(where, counted(ambiguous, 'rows match more than one image'));
  if (contradicting.length > 0) throw unclear(where, describeContradictions(contradicting));
  const imagesWithoutRow = labels.filter((label) => label === null).length;
  return { labels, patients, imagesWithoutRow, rowsWithoutImage };
}

/** What a second row of an image says differently; null for nothing. */
function differenceOf(row: LabelRow, label: string | null, patient: string | null): string | null {
  if (row.label !== label) return 'two labels';
  return row.patient !== null && patient !== null && row.patient !== patient ? 'two patients' : null;
}

function describeContradictions(found: readonly string[]): string {
  const more = found.length > 3 ? `; and so do ${found.length - 3} others` : '';
  return `${found.slice(0, 3).join('; ')}${more} (row 1 names the columns)`;
}

/** Images by file name, and by file name without extension. */
function indexByName(paths: readonly string[]): Map<string, number[]> {
  const byName = new Map<string, number[]>();
  for (const [i, path] of paths.entries()) {
    const base = path.slice(path.lastIndexOf('/') + 1);
    const stem = base.replace(/\.\w+$/, '');
    for (const name of new Set([base, `stem:${stem}`])) {
      const images = byName.get(name);
      if (images) images.push(i);
      else byName.set(name, [i]);
    }
  }
  return byName;
}

function imagesOf(row: string, paths: readonly string[], byName: ReadonlyMap<string, number[]>): number[] {
  const base = row.slice(row.lastIndexOf('/') + 1);
  const named = byName.get(base);
  const candidates = named ?? byName.get(`stem:${base}`) ?? [];
  if (!row.includes('/')) return candidates;
  const ends = (long: string, short: string) => long === short || long.endsWith(`/${short}`);
  return candidates.filter((image) => {
    const path = paths[image] as string;
    const whole = named ? path : path.replace(/\.\w+$/, '');
    return ends(whole, row) || ends(row, whole);
  });
}

function unclear(where: string, what: string): DatasetError {
  return new DatasetError({ what, where, hint: 'Give each image one row, with its path in the source.' });
}

/** Labels of StyleGAN's dataset.json or another JSON file. */
export interface JsonLabels {
  rows: LabelRow[];
  /** Names of classes by label number; null when the labels are names. */
  classes: string[] | null;
}

/**
 * Reads `{"labels": [[name, label], ...]}`, `{"labels": {name: label}}` or `{name: label}`, with
 * numbers or names as labels. GIST's own exports name the classes beside them.
 *
 * @returns null for `{"labels": null}`, which means no labels
 * @throws DatasetError for anything else
 */
export function jsonRows(text: string, where: string): JsonLabels | null {
  const document = parseObject(text, where);
  const labels = 'labels' in document ? document.labels : document;
  if (labels === null) return null;
  const pairs: unknown[] = Array.isArray(labels) ? labels : Object.entries(labels as object);
  if (!pairs.every(isPair)) throw noLabels(where);
  const rows = pairs.map(([path, label], i) => ({ path, label: String(label), patient: null, row: i + 1 }));
  const isNumbered = pairs.length > 0 && pairs.every(([, label]) => Number.isInteger(label));
  if (!isNumbered) return { rows, classes: null };
  const count = pairs.reduce((most, [, label]) => Math.max(most, label as number), 0) + 1;
  const names = namesOf(document.classes, count);
  return { rows: rows.map((row) => ({ ...row, label: names[Number(row.label)] as string })), classes: names };
}

function parseObject(text: string, where: string): Record<string, unknown> {
  try {
    const document: unknown = JSON.parse(text);
    if (document !== null && typeof document === 'object' && !Array.isArray(document))
      return document as Record<string, unknown>;
  } catch {}
  throw noLabels(where);
}

function isPair(pair: unknown): pair is [string, string | number] {
  if (!Array.isArray(pair) || pair.length !== 2 || typeof pair[0] !== 'string') return false;
  const label: unknown = pair[1];
  return (
    typeof label === 'string' ||
    (Number.isInteger(label) && (label as number) >= 0 && (label as number) < 100_000)
  );
}

/** Names of classes by number, where the file has them. */
function namesOf(classes: unknown, count: number): string[] {
  const isNamed =
    Array.isArray(classes) && classes.length >= count && classes.every((name) => typeof name === 'string');
  return isNamed ? (classes as string[]) : Array.from({ length: count }, (_, label) => String(label));
}

function noLabels(where: string): DatasetError {
  return new DatasetError({
    what: 'is not a JSON file of labels: {"labels": [["00000/img00000000.png", 0], ...]}',
    where,
    hint: 'Labels are whole numbers from 0, or names.',
  });
}
