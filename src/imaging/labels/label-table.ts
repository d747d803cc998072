/** Labels from a table: rows matched to the images by path or file name, and rows of JSON. */
import { counted } from '../../core/counted.js';
import { DatasetError } from '../../core/errors.js';
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

/**
 * Matches rows to images: by the whole path, or by as much of it as both have. Without folders in
 * the row its file name decides, with or without the extension. If no row is of a file, rows may
 * name folders, such as those of studies: a row is then of all images in its folder.
 *
 * @throws DatasetError when rows match several images, or contradict each other
 */
export function matchRows(rows: readonly LabelRow[], names: readonly string[], where: string): MatchedRows {
  const paths = names.map(plainPath);
  const byName = indexByName(paths);
  const rowPaths = rows.map(({ path }) => plainPath(path.replaceAll('\\', '/')));
  const files = rowPaths.map((path) => imagesOf(path, paths, byName));
  const ambiguous = files.filter((found) => found.length > 1).length;
  if (ambiguous > 0) throw unclear(where, counted(ambiguous, 'rows match more than one image'));
  if (files.some((found) => found.length > 0)) return applyRows(rows, files, names.length, where);
  return applyRows(rows, imagesOfFolders(rowPaths, paths, where), names.length, where);
}

/** Gives each image the label and the patient of its rows. */
function applyRows(
  rows: readonly LabelRow[],
  imagesOfRows: readonly (readonly number[])[],
  images: number,
  where: string,
): MatchedRows {
  const labels = new Array<string | null>(images).fill(null);
  const patients = new Array<string | null>(images).fill(null);
  // The row that has given an image its label.
  const matched = new Uint32Array(images);
  const contradicting: string[] = [];
  for (const [i, row] of rows.entries()) {
    for (const image of imagesOfRows[i] ?? []) {
      if (matched[image]) {
        const other = differenceOf(row, labels[image] as string | null, patients[image] as string | null);
        if (other) contradicting.push(`rows ${matched[image]} and ${row.row} give an image ${other}`);
        patients[image] ??= row.patient;
      } else [matched[image], labels[image], patients[image]] = [row.row, row.label, row.patient];
    }
  }
  if (contradicting.length > 0) throw unclear(where, describeContradictions(contradicting));
  const imagesWithoutRow = labels.filter((label) => label === null).length;
  const rowsWithoutImage = imagesOfRows.filter((found) => found.length === 0).length;
  return { labels, patients, imagesWithoutRow, rowsWithoutImage };
}

/** The images in the folder that each row names, by its path or the end of it. */
function imagesOfFolders(rows: readonly string[], paths: readonly string[], where: string): number[][] {
  const inFolder = new Map<string, number[]>();
  for (const [i, path] of paths.entries()) {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const folder = path.slice(0, end);
      const images = inFolder.get(folder);
      if (images) images.push(i);
      else inFolder.set(folder, [i]);
    }
  }
  const byName = new Map<string, string[]>();
  for (const folder of inFolder.keys()) {
    const name = folder.slice(folder.lastIndexOf('/') + 1);
    byName.set(name, [...(byName.get(name) ?? []), folder]);
  }
  const folders = rows.map((row) =>
    (byName.get(row.slice(row.lastIndexOf('/') + 1)) ?? []).filter(
      (folder) => endsWith(folder, row) || endsWith(row, folder),
    ),
  );
  const ambiguous = folders.filter((found) => found.length > 1).length;
  if (ambiguous > 0) throw unclear(where, counted(ambiguous, 'rows match more than one folder'));
  return folders.map(([folder]) => (folder === undefined ? [] : (inFolder.get(folder) as number[])));
}

/** Whether a path ends with another one, at the start of a name. */
function endsWith(path: string, end: string): boolean {
  return path === end || path.endsWith(`/${end}`);
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

/** Not any extension: what follows the last dot of a UID is no extension. */
const IMAGE_EXTENSION = /\.(dcm|dicom|png|jpe?g|tiff?|webp|bmp|jp2|nii)$/i;

function imagesOf(row: string, paths: readonly string[], byName: ReadonlyMap<string, number[]>): number[] {
  const base = row.slice(row.lastIndexOf('/') + 1);
  const named = byName.get(base);
  const stem = row.replace(IMAGE_EXTENSION, '');
  // Tables often name the DICOM files that PNG files were made from.
  const isConverted = !named && stem !== row && !byName.has(`stem:${base}`);
  if (isConverted) return imagesOf(stem, paths, byName);
  const candidates = named ?? byName.get(`stem:${base}`) ?? [];
  if (!row.includes('/')) return candidates;
  return candidates.filter((image) => {
    const path = paths[image] as string;
    const whole = named ? path : path.replace(/\.\w+$/, '');
    return endsWith(whole, row) || endsWith(row, whole);
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
  const numbered = pairs.map(withLabelNumber);
  if (!numbered.every(isPair)) throw noLabels(where);
  const rows = numbered.map(([path, label], i) => ({
    path,
    label: String(label),
    patient: null,
    row: i + 1,
  }));
  const isNumbered = numbered.length > 0 && numbered.every(([, label]) => Number.isInteger(label));
  if (!isNumbered) return { rows, classes: null };
  const count = numbered.reduce((most, [, label]) => Math.max(most, label as number), 0) + 1;
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

/** StyleGAN's labels may be vectors: one with a single 1 is that class. */
function withLabelNumber(pair: unknown): unknown {
  if (!Array.isArray(pair) || !Array.isArray(pair[1])) return pair;
  const vector: unknown[] = pair[1];
  const isOneHot =
    vector.every((value) => value === 0 || value === 1) && vector.filter((value) => value === 1).length === 1;
  return isOneHot ? [pair[0], vector.indexOf(1)] : pair;
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
