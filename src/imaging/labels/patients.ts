/** Which images are of the same patient. Patients stay in memory: only sides are stored. */
import { DatasetError } from '../../core/errors.js';
import type { PreprocessSpec } from '../../spec/preprocess.js';
import { Column, type Sequence } from '../source/column.js';
import type { Layout } from './layout.js';
import { matchPaths } from './path-rule.js';

export interface PatientOptions {
  layout: Layout;
  /** Patients that the rule for labels names. */
  labelled: Sequence<string | null> | null;
  tags: Sequence<Record<string, string>> | null;
}

/** Whether DICOM files may have to say the patients: no pattern of the holdout does. */
export function mayNeedPatientTags({ holdout }: PreprocessSpec): boolean {
  return holdout.by === 'patient' && holdout.patient === undefined;
}

/** Whether the rule for labels can name patients, so that DICOM files may not be needed. */
export function canNamePatients({ labels }: PreprocessSpec): boolean {
  return typeof labels === 'object' && ('csv' in labels || 'path' in labels);
}

/**
 * The patient of each image, from the first that is known: the pattern of the holdout, the rule for
 * labels, or the DICOM tag PatientID.
 *
 * @throws DatasetError when no image has a patient
 */
export function patientsOf(
  { holdout }: PreprocessSpec,
  { layout, labelled, tags }: PatientOptions,
  where: string,
): Sequence<string | null> {
  const patients =
    holdout.patient === undefined
      ? Column.map(layout.paths, (_, i) => labelled?.at(i) ?? (tags?.at(i)?.PatientID?.trim() || null))
      : Column.map(matchPaths(holdout.patient, layout.paths, where), (groups) => groups?.patient ?? null);
  if (patients.some((patient) => patient !== null)) return patients;
  throw new DatasetError({
    what: 'patients cannot be told apart, which preprocess.holdout.by (--holdout-by) asks for',
    where,
    hint: 'Give preprocess.holdout.patient (--holdout-patient), a pattern over the path such as "patient(?<patient>\\\\d+)", or a CSV file with a column of patients, or hold out by image.',
  });
}

const PATIENT_IN_PATH = /(?:^|[/_-])((?:patient|subject|subj|case|pat)[-_ ]?\d+)/i;
/** A number with a side or a count after it, as in 9001695L.png and 00000001_002.png. */
const NUMBER_IN_NAME = /(?:^|\/)(\d{4,})[-_ ]?(?:[lr]|left|right|\d{1,3})(?:[-_ .][^/]*)?$/i;

/** A warning when images are held out one by one, but paths suggest several for each patient. */
export function patientNotice(paths: Sequence<string>): string | null {
  const groups = new Set<string>();
  let images = 0;
  for (const path of paths) {
    const group = (PATIENT_IN_PATH.exec(path) ?? NUMBER_IN_NAME.exec(path))?.[1];
    if (group === undefined) continue;
    images++;
    groups.add(group.toLowerCase());
  }
  if (images * 2 < paths.length || groups.size < 2 || groups.size * 1.2 > images) return null;
  return `file names suggest ${groups.size} patients with several images each, which may be on both sides of the split: set preprocess.holdout.by (--holdout-by) to "patient", with preprocess.holdout.patient (--holdout-patient)`;
}
