/** Detects the format of a file from its first bytes; the file name is ignored. */

export type ImageFormat = 'jpeg' | 'png' | 'tiff' | 'webp';

/** A format that is recognized but not decoded, so that the error can name it. */
type UnsupportedFormat = 'DICOM' | 'GIF' | 'BMP' | 'HEIF or AVIF' | 'JPEG 2000' | 'SVG';

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
  if (ascii(128, 132) === 'DICM') return { unsupported: 'DICOM' };
  if (head === 'GIF8') return { unsupported: 'GIF' };
  if (head.startsWith('BM')) return { unsupported: 'BMP' };
  if (ascii(4, 8) === 'ftyp') return { unsupported: 'HEIF or AVIF' };
  if (ascii(4, 8) === 'jP  ' || head === '\xff\x4f\xff\x51') return { unsupported: 'JPEG 2000' };
  if (/^\s*(<\?xml[^>]*>\s*)?<svg/.test(ascii(0, 256))) return { unsupported: 'SVG' };
  return { unsupported: null };
}
