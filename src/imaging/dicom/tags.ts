/** Reads the tags of DICOM files that labels, subsets and splits need. */
import { ImageError, SpecError } from '../../core/errors.js';
import { dicomKeyword } from '../../spec/dicom-keywords.js';
import type { WhereSpec } from '../../spec/preprocess.js';
import type { DicomDataSet, NumericVr } from './data-set.js';
import { readDicomFile } from './file.js';
import { describeDicomError } from './open.js';
import { looksLikeDicom } from './sniff.js';

const NUMERIC_VRS: ReadonlySet<string> = new Set(['US', 'SS', 'UL', 'SL', 'FL', 'FD']);

/**
 * Reads values by keyword. Elements are in ascending order: nothing after the last requested one
 * is read, and the beginning of a file is enough.
 *
 * @param bytes a DICOM file, or its first bytes.
 * @param keywords of the standard, or numbers of elements (`00185101`).
 * @returns values by keyword, several values of a tag separated by a backslash. Absent and empty
 *   tags are left out.
 * @throws ImageError when the bytes are not DICOM, or end before a requested tag: it may then be
 *   found in the whole file. SpecError for an unknown keyword.
 */
export function readDicomTags(bytes: Uint8Array, keywords: readonly string[]): Record<string, string> {
  const wanted = keywords.map((keyword) => ({ keyword, ...requireKeyword(keyword) }));
  const last = wanted.reduce((most, { tag }) => Math.max(most, tag), 0);
  try {
    if (!looksLikeDicom(bytes)) throw new ImageError({ what: 'is not a DICOM file' });
    const { dataSet, problem } = readDicomFile(bytes, { until: last + 1 });
    if (problem) throw problem;
    const values = wanted.map(({ keyword, tag, vr }) => [keyword, valueAt(dataSet, tag, vr)]);
    return Object.fromEntries(values.filter(([, value]) => value !== ''));
  } catch (error) {
    throw describeDicomError(error, undefined);
  }
}

function requireKeyword(keyword: string): { tag: number; vr: string } {
  const known = dicomKeyword(keyword);
  if (known) return known;
  throw new SpecError({
    what: `"${keyword}" is not a DICOM keyword that GIST knows`,
    hint: 'Write the number of the element, as in 00185101.',
  });
}

function valueAt(dataSet: DicomDataSet, tag: number, knownVr: string): string {
  const vr = dataSet.find(tag)?.vr || knownVr;
  if (NUMERIC_VRS.has(vr)) return dataSet.numbers(tag, vr as NumericVr).join('\\');
  return dataSet.strings(tag).join('\\');
}

/**
 * Whether an image belongs to a subset: each named tag has one of the given values. Case does not
 * count; of a tag with several values, one is enough.
 *
 * @param tags as {@link readDicomTags} gives them.
 */
export function matchesTags(tags: Readonly<Record<string, string>>, where: WhereSpec): boolean {
  return Object.entries(where).every(([keyword, wanted]) => {
    const values = new Set((tags[keyword] ?? '').split('\\').map(normalized));
    return [wanted].flat().some((value) => values.has(normalized(String(value))));
  });
}

function normalized(value: string): string {
  return value.trim().toLowerCase();
}
