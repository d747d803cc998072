/** Tells whether names of classes are rather ids of patients or studies. */
import { DatasetError } from '../../core/errors.js';

const WORDS =
  /^(patient|pat|pt|person|subject|subj|sub|case|study|stud|series|session|ses|exam|accession|acc|mrn|pid|id)[-_ .]*[a-z]{0,3}[-_ ]?\d+/i;
/** DICOM UIDs, numbers of five digits or more, UUIDs and digests. */
const NUMBERS =
  /^(\d+(\.\d+){4,}|\d{5,}([-_]\w*)?|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?=.*\d)[0-9a-f]{16,})$/i;

/** From this number of classes on, a class has images enough, or is no class. */
const MANY_CLASSES = 20;
const FEW_IMAGES = 4;

/**
 * A generator that learns one class for each patient reproduces patients, and their ids would be
 * in the manifest: such classes are refused. They are counted, not named.
 *
 * @throws DatasetError
 */
export function refuseIdentifiers(classes: readonly string[], images: number, where: string): void {
  const ids = classes.filter((name) => WORDS.test(name) || NUMBERS.test(name)).length;
  const isMany = classes.length >= MANY_CLASSES && images < FEW_IMAGES * classes.length;
  if (ids * 2 <= classes.length && !isMany) return;
  throw new DatasetError({
    what:
      ids * 2 > classes.length
        ? `${ids} of ${classes.length} classes look like ids of patients or studies`
        : `has ${classes.length} classes for ${images} images: they look like patients or studies`,
    where,
    hint: 'Set preprocess.labels (--labels) to a rule over the path, {"path": "patient(?<patient>\\\\d+)/study\\\\d+_(?<label>\\\\w+)"}, to a table, {"csv": "labels.csv"}, or to "none".',
  });
}
