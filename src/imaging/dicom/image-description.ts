/** Reads and checks the description of the pixels of a DICOM file (PS3.3 section C.7.6.3). */
import { ImageError } from '../../core/errors.js';
import { requireSize } from '../pixels/decoded-image.js';
import type { DicomDataSet } from './data-set.js';
import { PIXEL_DATA } from './elements.js';
import type { DicomFile } from './file.js';

export const PHOTOMETRIC_INTERPRETATIONS = [
  'MONOCHROME1',
  'MONOCHROME2',
  'PALETTE COLOR',
  'RGB',
  'YBR_FULL',
  'YBR_FULL_422',
  'YBR_RCT',
  'YBR_ICT',
] as const;
export type Photometric = (typeof PHOTOMETRIC_INTERPRETATIONS)[number];

export interface ImageDescription {
  width: number;
  height: number;
  samples: 1 | 3;
  photometric: Photometric;
  /** Samples of a color are stored together, not those of a pixel. */
  isPlanar: boolean;
  bitsAllocated: 1 | 8 | 16 | 32;
  bitsStored: number;
  highBit: number;
  isSigned: boolean;
  frames: number;
}

const DIRECTORY_RECORDS = 0x00041220;
const FLOAT_PIXEL_DATA = 0x7fe00008;
const DOUBLE_PIXEL_DATA = 0x7fe00009;
const ENCAPSULATED_DOCUMENT = 0x00420011;
const WAVEFORM_SEQUENCE = 0x54000100;
const STRUCTURED_REPORT = 0x0040a730;

/** @throws ImageError when there are no pixels, or they cannot be decoded in principle. */
export function describeImage({ dataSet, problem, syntax }: DicomFile): ImageDescription {
  const pixels = dataSet.find(PIXEL_DATA);
  if (!pixels) throw problem ?? new ImageError({ what: whyNoPixels(dataSet) });
  if (syntax.codec === null) {
    throw new ImageError({
      what: `is DICOM in ${syntax.name}, which is not supported`,
      hint: 'Convert it to explicit little endian.',
    });
  }
  const integer = (tag: number) => dataSet.number(tag, 'US');
  const [height, width] = [integer(0x00280010) ?? 0, integer(0x00280011) ?? 0];
  if (height === 0 || width === 0) throw new ImageError({ what: 'is DICOM without rows or columns' });
  requireSize({ width, height });
  const samples = integer(0x00280002) ?? 1;
  const bitsAllocated = integer(0x00280100) ?? 0;
  const bitsStored = integer(0x00280101) ?? bitsAllocated;
  if (samples !== 1 && samples !== 3) throw unsupported(`${samples} samples per pixel`);
  if (bitsAllocated !== 1 && bitsAllocated !== 8 && bitsAllocated !== 16 && bitsAllocated !== 32)
    throw unsupported(`${bitsAllocated} bits allocated`);
  if (bitsStored < 1 || bitsStored > bitsAllocated)
    throw new ImageError({ what: `is corrupt: ${bitsStored} of ${bitsAllocated} bits are stored` });
  const highBit = integer(0x00280102) ?? bitsStored - 1;
  return {
    width,
    height,
    samples,
    photometric: photometricOf(dataSet.string(0x00280004), samples),
    isPlanar: samples === 3 && integer(0x00280006) === 1,
    bitsAllocated,
    bitsStored,
    // A high bit outside of its range is common in old files, which store from bit 0 on.
    highBit: highBit >= bitsStored - 1 && highBit < bitsAllocated ? highBit : bitsStored - 1,
    isSigned: integer(0x00280103) === 1,
    frames: Math.max(1, dataSet.number(0x00280008, 'IS') ?? 1),
  };
}

/** Bits of a native frame. */
export function bitsOfFrame({
  width,
  height,
  samples,
  bitsAllocated,
  photometric,
}: ImageDescription): number {
  // Two pixels share their chroma samples.
  const perPixel = photometric === 'YBR_FULL_422' ? 2 : samples;
  return width * height * perPixel * bitsAllocated;
}

function photometricOf(declared: string, samples: 1 | 3): Photometric {
  const known = PHOTOMETRIC_INTERPRETATIONS.find((name) => name === declared);
  if (known === undefined && declared !== '') throw unsupported('this photometric interpretation');
  const photometric = known ?? (samples === 1 ? 'MONOCHROME2' : 'RGB');
  const needed = photometric.startsWith('MONO') || photometric.startsWith('PALETTE') ? 1 : 3;
  if (needed === samples) return photometric;
  throw new ImageError({ what: `is corrupt: ${photometric} with ${samples} samples per pixel` });
}

function unsupported(what: string): ImageError {
  return new ImageError({ what: `is DICOM with ${what}, which is not supported` });
}

function whyNoPixels(dataSet: DicomDataSet): string {
  if (dataSet.find(DIRECTORY_RECORDS)) return 'is a DICOMDIR, an index of files, not an image';
  if (dataSet.find(ENCAPSULATED_DOCUMENT)) return 'is a DICOM file with a document, not an image';
  if (dataSet.find(WAVEFORM_SEQUENCE)) return 'is a DICOM file with a waveform, not an image';
  if (dataSet.find(STRUCTURED_REPORT)) return 'is a DICOM structured report, not an image';
  if (dataSet.find(FLOAT_PIXEL_DATA) || dataSet.find(DOUBLE_PIXEL_DATA))
    return 'is DICOM with floating-point pixels, which is not supported';
  return 'is a DICOM file without pixel data';
}
