/** What a file of a source is: by its name and, where the name does not say, by its first bytes. */
import { isDicomDir } from '../dicom/sniff.js';
import { sniffFormat } from '../pixels/format.js';

/** Why a file or folder of a source is not read. The reasons are shown; they name no file. */
export const SKIPPED = {
  system: 'hidden and system files and folders',
  other: 'other files',
  table: 'CSV and JSON files',
  outside: 'links that leave the folder',
  broken: 'broken links',
  cycle: 'links to a folder above',
  encoding: 'names that are not UTF-8',
  archive: 'archives within the source',
  dicomdir: 'DICOM directories (DICOMDIR)',
  netpbm: 'Netpbm images (PGM, PPM), a format that is not read',
  volume: 'volumes (NIfTI, MetaImage, NRRD, MINC), a format that is not read',
} as const;

/**
 * `image`: decoded later. `table`: may hold labels. `unknown`: the first bytes decide. Else the
 * reason for which the file is skipped.
 */
export type FileKind = 'image' | 'table' | 'unknown' | { skipped: string };

/** Formats that can be decoded, and image formats whose refusal names the format. */
const IMAGE =
  /\.(jpe?g|jpe|jfif|png|tiff?|webp|gif|bmp|dib|dcm|dicom|ima|heic|heif|avif|jp2|j2k|jpx|jls|svg)$/i;
const TABLE = /\.(csv|tsv|json)$/i;
const BY_EXTENSION: readonly [RegExp, string][] = [
  [/\.(pgm|ppm|pbm|pnm|pam)$/i, SKIPPED.netpbm],
  [/\.(nii|nii\.gz|mha|mhd|nrrd|nhdr|mnc)$/i, SKIPPED.volume],
  [/\.(zip|7z|rar|tar|tgz|tar\.gz|tbz2|gz|bz2|xz|zst)$/i, SKIPPED.archive],
  [
    /\.(txt|md|html?|xml|pdf|docx?|xlsx?|pptx?|log|ini|cfg|ya?ml|py|ipynb|m|mat|npy|npz|h5|pkl|db|sqlite|exe|dll|sh|bat|lnk|url|mp4|avi|mov|sha256|md5)$/i,
    SKIPPED.other,
  ],
];
const SYSTEM_NAMES = new Set([
  '__macosx',
  '__pycache__',
  '@eadir',
  '@recycle',
  '#recycle',
  '#snapshot',
  '$recycle.bin',
  'system volume information',
  'lost+found',
  'thumbs.db',
  'desktop.ini',
  'icon\r',
]);

/** Whether a file manager, a NAS or an editor made the file or folder of this name. */
export function isSystemName(part: string): boolean {
  return (part.startsWith('.') && part !== '.') || SYSTEM_NAMES.has(part.toLowerCase());
}

/** @param name relative path with forward slashes */
export function kindOfName(name: string): FileKind {
  if (name.split('/').some(isSystemName)) return { skipped: SKIPPED.system };
  const base = name.slice(name.lastIndexOf('/') + 1);
  if (/^dicomdir(\.\w+)?$/i.test(base)) return { skipped: SKIPPED.dicomdir };
  if (IMAGE.test(base)) return 'image';
  if (TABLE.test(base)) return 'table';
  const reason = BY_EXTENSION.find(([pattern]) => pattern.test(base))?.[1];
  return reason === undefined ? 'unknown' : { skipped: reason };
}

/** Number of first bytes that {@link kindOfBytes} needs. */
export const HEAD_BYTES = 2048;

/** What a file of kind `unknown` is: PACS exports have images without an extension. */
export function kindOfBytes(head: Uint8Array): 'image' | { skipped: string } {
  const text = Buffer.from(head).toString('latin1');
  if (text.startsWith('PK\x03\x04') || text.startsWith('\x1f\x8b')) return { skipped: SKIPPED.archive };
  if (/^P[1-7]\s/.test(text)) return { skipped: SKIPPED.netpbm };
  if (isDicomDir(head)) return { skipped: SKIPPED.dicomdir };
  const sniffed = sniffFormat(head);
  const isImage = 'format' in sniffed || sniffed.unsupported !== null;
  return isImage ? 'image' : { skipped: SKIPPED.other };
}
