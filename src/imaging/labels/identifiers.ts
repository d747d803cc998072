/** Tells whether names of classes are rather ids of patients or studies. */
import { DatasetError } from '../../core/errors.js';
import type { Sequence } from '../source/column.js';
import type { ImageSource, SourceImage } from '../source/image-source.js';
import { tagsOfImages } from '../source/tag-reader.js';

const WORDS =
  /^(patient|pat|pt|person|subject|subj|sub|case|study|stud|series|session|ses|exam|accession|acc|mrn|pid|id)[-_ .]*[a-z]{0,3}[-_ ]?\d+/i;
/** A name as in DICOM (`DOE^JANE`), and a name or number with a date (`DOE_JANE_19640131`). */
const NAMES = /\^|(^|[^\d])(19|20)\d\d[-_.]?(0[1-9]|1[0-2])[-_.]?([0-2]\d|3[01])([^\d]|$)/;
/** DICOM UIDs, numbers of five digits or more, UUIDs and digests. */
const NUMBERS =
  /^(\d+(\.\d+){4,}|\d{5,}([-_]\w*)?|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?=.*\d)[0-9a-f]{16,})$/i;

/** A name and a number of three digits or more, as subjects of a study have: `BraTS20_001`. */
const SERIAL = /^(.*\D)\d{3,}$/;
const CLASS_WORDS = /class|grade|label|type|category|stage|score/i;

/** Whether all names are one name with different numbers. */
function areSerial(classes: readonly string[]): boolean {
  const stems = new Set(classes.map((name) => SERIAL.exec(name)?.[1] ?? null));
  const [stem] = stems;
  return classes.length > 2 && stems.size === 1 && stem !== null && !CLASS_WORDS.test(stem ?? '');
}

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
  const kinds = [WORDS, NUMBERS, NAMES];
  const looksLikeId = (name: string) => kinds.some((kind) => kind.test(name));
  const ids = areSerial(classes) ? classes.length : classes.filter(looksLikeId).length;
  const isMany = classes.length >= MANY_CLASSES && images < FEW_IMAGES * classes.length;
  if (ids * 2 <= classes.length && !isMany) return;
  throw patientClasses(
    ids * 2 > classes.length
      ? `${ids} of ${classes.length} classes look like ids of patients or studies`
      : `has ${classes.length} classes for ${images} images: they look like patients or studies`,
    where,
  );
}

/** Classes whose DICOM files are looked at. */
const SAMPLED_CLASSES = 50;
/** Formats that have no patients, by the extension. */
const NO_DICOM = /\.(png|jpe?g|tiff?|webp|gif|bmp)$/i;
const PATIENT = ['PatientName', 'PatientID'];

/**
 * Looks at one DICOM file of each class: folders of patients may have any names, but those of the
 * patients in their own files are no classes.
 *
 * @throws DatasetError
 */
export async function refusePatientFolders(
  source: ImageSource,
  images: Sequence<SourceImage>,
  { classes, labels }: { classes: readonly string[] | null; labels: Int32Array },
): Promise<void> {
  if (classes === null) return;
  const first = new Map<number, SourceImage>();
  for (const [i, image] of images.entries()) {
    const label = labels[i] as number;
    if (first.size === SAMPLED_CLASSES) break;
    if (classes[label] !== undefined && !first.has(label) && !NO_DICOM.test(image.name))
      first.set(label, image);
  }
  const { values } = await tagsOfImages(source, [...first.values()], PATIENT, {});
  const patients = new Set<string>();
  for (const [at, label] of [...first.keys()].entries()) {
    const patient = PATIENT.map((keyword) => plain(values.at(at)?.[keyword] ?? '')).filter(Boolean);
    const name = plain(classes[label] as string);
    const own = patient.find((text) => text.length > 1 && name.includes(text));
    if (own !== undefined) patients.add(own);
  }
  if (patients.size < 2 || patients.size * 2 <= first.size) return;
  throw patientClasses(
    `${patients.size} of ${first.size} classes have the names or ids of the patients in their DICOM files`,
    source.uri,
  );
}

/** Letters and digits, since separators differ between names of folders and of patients. */
function plain(text: string): string {
  return text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}

function patientClasses(what: string, where: string): DatasetError {
  return new DatasetError({
    what,
    where,
    hint: 'Set preprocess.labels (--labels) to a rule over the path, {"path": "patient(?<patient>\\\\d+)/study\\\\d+_(?<label>\\\\w+)"}, to a table, {"csv": "labels.csv"}, or to "none".',
  });
}
