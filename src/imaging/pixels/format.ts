/** Detects the format of a file from its first bytes; the file name is ignored. */
import { looksLikeDicom } from '../dicom/sniff.js';

export type ImageFormat = 'jpeg' | 'png' | 'tiff' | 'webp' | 'dicom';

/** A format that is recognized but not decoded, so that the error can name it. */
type UnsupportedFormat =
  | 'GIF'
  | 'BMP'
  | 'HEIF or AVIF'
  | 'JPEG 2000'
  | 'JPEG XL'
  | 'SVG'
  | 'PGM or PPM'
  | 'NIfTI'
  | 'NRRD'
  | 'PDF';

/** @returns the format; or the unsupported format, null when it is not recognized */
export function sniffFormat(
  bytes: Uint8Array,
): { format: ImageFormat } | { unsupported: UnsupportedFormat | null } {
  const ascii = (from: number, to: number) => Buffer.from(bytes.subarray(from, to)).toString('latin1');
  const head = ascii(0, 4);
  if (head.startsWith('\xff\xd8\xff')) return { format: 'jpeg' };
  if (ascii(0, 8) === '\x89PNG\r\n\x1a\n') return { format: 'png' };
  if (['II*\0', 'MM\0*', 'II+\0', 'MM\0+'].includes(head)) return { format: 'tiff' };
  if (head === 'RIFF' && ascii(8, 12) === 'WEBP') return { format: 'webp' };
  if (looksLikeDicom(bytes)) return { format: 'dicom' };
  if (head === 'GIF8') return { unsupported: 'GIF' };
  if (head.startsWith('BM')) return { unsupported: 'BMP' };
  if (ascii(4, 8) === 'ftyp') return { unsupported: 'HEIF or AVIF' };
  if (ascii(4, 8) === 'jP  ' || head === '\xff\x4f\xff\x51') return { unsupported: 'JPEG 2000' };
  if (head.startsWith('\xff\x0a') || ascii(4, 8) === 'JXL ') return { unsupported: 'JPEG XL' };
  if (/^P[1-7][\s#]/.test(head)) return { unsupported: 'PGM or PPM' };
  if (['n+1\0', 'ni1\0'].includes(ascii(344, 348))) return { unsupported: 'NIfTI' };
  if (head === 'NRRD') return { unsupported: 'NRRD' };
  if (head === '%PDF') return { unsupported: 'PDF' };
  if (/^\s*(<\?xml[^>]*>\s*)?<svg/.test(ascii(0, 256))) return { unsupported: 'SVG' };
  return { unsupported: null };
}
