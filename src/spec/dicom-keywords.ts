/** The DICOM elements that a spec can name: keyword, tag, value representation (PS3.6). */

/** Elements that describe an image, its acquisition, or whom it belongs to. */
const KEYWORDS: Record<string, [tag: number, vr: string]> = {
  SpecificCharacterSet: [0x00080005, 'CS'],
  ImageType: [0x00080008, 'CS'],
  SOPClassUID: [0x00080016, 'UI'],
  SOPInstanceUID: [0x00080018, 'UI'],
  StudyDate: [0x00080020, 'DA'],
  SeriesDate: [0x00080021, 'DA'],
  AcquisitionDate: [0x00080022, 'DA'],
  ContentDate: [0x00080023, 'DA'],
  AccessionNumber: [0x00080050, 'SH'],
  Modality: [0x00080060, 'CS'],
  ConversionType: [0x00080064, 'CS'],
  PresentationIntentType: [0x00080068, 'CS'],
  Manufacturer: [0x00080070, 'LO'],
  InstitutionName: [0x00080080, 'LO'],
  StationName: [0x00081010, 'SH'],
  StudyDescription: [0x00081030, 'LO'],
  SeriesDescription: [0x0008103e, 'LO'],
  InstitutionalDepartmentName: [0x00081040, 'LO'],
  ManufacturerModelName: [0x00081090, 'LO'],
  DerivationDescription: [0x00082111, 'ST'],
  PatientName: [0x00100010, 'PN'],
  PatientID: [0x00100020, 'LO'],
  PatientBirthDate: [0x00100030, 'DA'],
  PatientSex: [0x00100040, 'CS'],
  PatientAge: [0x00101010, 'AS'],
  PatientSize: [0x00101020, 'DS'],
  PatientWeight: [0x00101030, 'DS'],
  EthnicGroup: [0x00102160, 'SH'],
  PatientComments: [0x00104000, 'LT'],
  ContrastBolusAgent: [0x00180010, 'LO'],
  BodyPartExamined: [0x00180015, 'CS'],
  ScanningSequence: [0x00180020, 'CS'],
  SequenceVariant: [0x00180021, 'CS'],
  SliceThickness: [0x00180050, 'DS'],
  KVP: [0x00180060, 'DS'],
  RepetitionTime: [0x00180080, 'DS'],
  EchoTime: [0x00180081, 'DS'],
  MagneticFieldStrength: [0x00180087, 'DS'],
  ProtocolName: [0x00181030, 'LO'],
  FilterType: [0x00181160, 'SH'],
  ConvolutionKernel: [0x00181210, 'SH'],
  AcquisitionDeviceProcessingDescription: [0x00181400, 'LO'],
  PatientPosition: [0x00185100, 'CS'],
  ViewPosition: [0x00185101, 'CS'],
  StudyInstanceUID: [0x0020000d, 'UI'],
  SeriesInstanceUID: [0x0020000e, 'UI'],
  StudyID: [0x00200010, 'SH'],
  SeriesNumber: [0x00200011, 'IS'],
  AcquisitionNumber: [0x00200012, 'IS'],
  InstanceNumber: [0x00200013, 'IS'],
  PatientOrientation: [0x00200020, 'CS'],
  Laterality: [0x00200060, 'CS'],
  ImageLaterality: [0x00200062, 'CS'],
  ImageComments: [0x00204000, 'LT'],
  SamplesPerPixel: [0x00280002, 'US'],
  PhotometricInterpretation: [0x00280004, 'CS'],
  NumberOfFrames: [0x00280008, 'IS'],
  Rows: [0x00280010, 'US'],
  Columns: [0x00280011, 'US'],
  BitsAllocated: [0x00280100, 'US'],
  BitsStored: [0x00280101, 'US'],
  QualityControlImage: [0x00280300, 'CS'],
  BurnedInAnnotation: [0x00280301, 'CS'],
  BreastImplantPresent: [0x00281300, 'CS'],
  PartialView: [0x00281350, 'CS'],
  LossyImageCompression: [0x00282110, 'CS'],
  RequestedProcedureDescription: [0x00321060, 'LO'],
  PerformedProcedureStepDescription: [0x00400254, 'LO'],
};

export interface DicomKeyword {
  tag: number;
  /** Empty for an element that is not in the list. */
  vr: string;
}

/**
 * The element that a spec names: a keyword of the standard, or the number of any element, as in
 * `00185101`, `0018,5101` or `(0018,5101)`.
 *
 * @returns undefined for an unknown keyword.
 */
export function dicomKeyword(name: string): DicomKeyword | undefined {
  const known = Object.hasOwn(KEYWORDS, name) ? KEYWORDS[name] : undefined;
  if (known) return { tag: known[0], vr: known[1] };
  const number = /^\(?([0-9a-f]{4}),?([0-9a-f]{4})\)?$/i.exec(name);
  if (!number) return undefined;
  const tag = Number.parseInt(`${number[1]}${number[2]}`, 16);
  const listed = Object.values(KEYWORDS).find(([other]) => other === tag);
  return { tag, vr: listed?.[1] ?? '' };
}

/** Elements whose values tell patients or studies apart, beside UIDs. */
const IDENTIFYING = [
  'AccessionNumber',
  'PatientName',
  'PatientID',
  'PatientBirthDate',
  'PatientComments',
  'ImageComments',
  'StudyID',
];

/** Whether the values of an element tell patients or studies apart. */
export function isIdentifying(name: string): boolean {
  const element = dicomKeyword(name);
  if (element?.vr === 'UI') return true;
  return IDENTIFYING.some((other) => KEYWORDS[other]?.[0] === element?.tag);
}
