/** Which format a file has, told by its first bytes; its name does not count. */

export type ImageFormat = 'jpeg' | 'png' | 'tiff' | 'webp';

/** A format that is recognised, so that the refusal can name it. */
type RefusedFormat = 'DICOM' | 'GIF' | 'BMP' | 'HEIF or AVIF' | 'JPEG 2000' | 'SVG';

/** The format, or what is known of one that cannot be decoded. */
export function sniffFormat(bytes: Uint8Array): { format: ImageFormat } | { refused: RefusedFormat | null } {
  const ascii = (from: number, to: number) => Buffer.from(bytes.subarray(from, to)).toString('latin1');
  const head = ascii(0, 4);
  if (head.startsWith('\xff\xd8\xff')) return { format: 'jpeg' };
  if (ascii(0, 8) === '\x89PNG\r\n\x1a\n') return { format: 'png' };
  if (['II*\0', 'MM\0*', 'II+\0', 'MM\0+'].includes(head)) return { format: 'tiff' };
  if (head === 'RIFF' && ascii(8, 12) === 'WEBP') return { format: 'webp' };
  if (ascii(128, 132) === 'DICM') return { refused: 'DICOM' };
  if (head === 'GIF8') return { refused: 'GIF' };
  if (head.startsWith('BM')) return { refused: 'BMP' };
  if (ascii(4, 8) === 'ftyp') return { refused: 'HEIF or AVIF' };
  if (ascii(4, 8) === 'jP  ' || head === '\xff\x4f\xff\x51') return { refused: 'JPEG 2000' };
  if (/^\s*(<\?xml[^>]*>\s*)?<svg/.test(ascii(0, 256))) return { refused: 'SVG' };
  return { refused: null };
}
