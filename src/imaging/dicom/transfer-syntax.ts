/** The transfer syntaxes of DICOM: how a data set and its pixels are encoded (PS3.6 table A-1). */
import type { DicomEncoding } from './elements.js';

/** How pixel data are compressed. */
export type PixelCodec = 'native' | 'rle' | 'jpeg' | 'jpeg-ls' | 'jpeg-2000' | 'htj2k';

export interface TransferSyntax extends DicomEncoding {
  name: string;
  isDeflated: boolean;
  /** null: the pixel data cannot be decoded. */
  codec: PixelCodec | null;
}

const ROOT = '1.2.840.10008.1.2';
export const IMPLICIT_LITTLE_ENDIAN = ROOT;
export const EXPLICIT_LITTLE_ENDIAN = `${ROOT}.1`;
export const EXPLICIT_BIG_ENDIAN = `${ROOT}.2`;

const NATIVE: Record<string, Omit<TransferSyntax, 'codec'>> = {
  [ROOT]: { name: 'implicit little endian', isExplicit: false, isLittleEndian: true, isDeflated: false },
  [`${ROOT}.1`]: {
    name: 'explicit little endian',
    isExplicit: true,
    isLittleEndian: true,
    isDeflated: false,
  },
  [`${ROOT}.2`]: { name: 'explicit big endian', isExplicit: true, isLittleEndian: false, isDeflated: false },
  [`${ROOT}.1.99`]: { name: 'deflated', isExplicit: true, isLittleEndian: true, isDeflated: true },
};

const ENCAPSULATED: Record<string, [name: string, codec: PixelCodec | null]> = {
  [`${ROOT}.5`]: ['RLE', 'rle'],
  [`${ROOT}.4.50`]: ['JPEG baseline', 'jpeg'],
  [`${ROOT}.4.51`]: ['JPEG extended', 'jpeg'],
  [`${ROOT}.4.53`]: ['JPEG spectral selection', 'jpeg'],
  [`${ROOT}.4.55`]: ['JPEG progressive', 'jpeg'],
  [`${ROOT}.4.57`]: ['JPEG lossless', 'jpeg'],
  [`${ROOT}.4.70`]: ['JPEG lossless, first-order prediction', 'jpeg'],
  [`${ROOT}.4.80`]: ['JPEG-LS lossless', 'jpeg-ls'],
  [`${ROOT}.4.81`]: ['JPEG-LS near-lossless', 'jpeg-ls'],
  [`${ROOT}.4.90`]: ['JPEG 2000 lossless', 'jpeg-2000'],
  [`${ROOT}.4.91`]: ['JPEG 2000', 'jpeg-2000'],
  [`${ROOT}.4.92`]: ['JPEG 2000 multi-component lossless', null],
  [`${ROOT}.4.93`]: ['JPEG 2000 multi-component', null],
  [`${ROOT}.4.94`]: ['JPIP', null],
  [`${ROOT}.4.95`]: ['JPIP deflated', null],
  [`${ROOT}.4.100`]: ['MPEG-2', null],
  [`${ROOT}.4.101`]: ['MPEG-2', null],
  [`${ROOT}.4.102`]: ['MPEG-4', null],
  [`${ROOT}.4.103`]: ['MPEG-4', null],
  [`${ROOT}.4.104`]: ['MPEG-4', null],
  [`${ROOT}.4.105`]: ['MPEG-4', null],
  [`${ROOT}.4.106`]: ['MPEG-4', null],
  [`${ROOT}.4.107`]: ['HEVC', null],
  [`${ROOT}.4.108`]: ['HEVC', null],
  [`${ROOT}.4.110`]: ['JPEG XL', null],
  [`${ROOT}.4.111`]: ['JPEG XL', null],
  [`${ROOT}.4.112`]: ['JPEG XL', null],
  [`${ROOT}.4.201`]: ['High-Throughput JPEG 2000 lossless', 'htj2k'],
  [`${ROOT}.4.202`]: ['High-Throughput JPEG 2000 lossless', 'htj2k'],
  [`${ROOT}.4.203`]: ['High-Throughput JPEG 2000', 'htj2k'],
  [`${ROOT}.8.1`]: ['deflated image frames', null],
};

/**
 * The transfer syntax of an identifier. One that is not known has no codec; its data set is
 * explicit little endian, as all encapsulated ones are.
 */
export function transferSyntax(uid: string): TransferSyntax {
  const native = NATIVE[uid];
  if (native) return { ...native, codec: 'native' };
  const [name, codec] = ENCAPSULATED[uid] ?? ['an unknown or private transfer syntax', null];
  return { name, codec, isExplicit: true, isLittleEndian: true, isDeflated: false };
}
