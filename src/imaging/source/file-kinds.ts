/** What a file of a source is: by its name and, where the name does not say, by its first bytes. */
import { isDicomDir } from '../dicom/sniff.js';
import { sniffFormat } from '../pixels/format.js';

/** Why a file or folder of a source is not read. The reasons are shown; they name no file. */
export const SKIPPED = {
  system: 'hidden and system files and folders',
  other: 'other files',
  table: 'CSV or JSON files',
  outside: 'links that leave the folder',
  broken: 'broken links',
  cycle: 'links to a folder above',
  encoding: 'names that are not UTF-8',
  archive: 'archives within the source',
  dicomdir: 'DICOM directories (DICOMDIR)',
  netpbm: 'images in Netpbm (PGM, PPM), a format that is not read',
  volume: 'volumes (NIfTI, MetaImage, NRRD, MINC, Analyze), a format that is not read',
  raw: 'files of raw pixels (.raw, .img), whose size and depth are not known',
  encrypted: 'encrypted files in the archive',
  zipLink: 'links in the archive',
  method: 'files in the archive in a compression that is not read (Deflate64, LZMA, ...)',
  large: 'files in the archive of more than 512 MiB',
  twice: 'files in the archive with the name of another, but other content',
  copy: 'files that the archive has twice',
} as const;

/** What to do about files that may hold images, but are not read. */
export const REMEDIES: Readonly<Record<string, string>> = {
  [SKIPPED.outside]: 'Copy the files into the folder, or give a folder above both the links and the files.',
  [SKIPPED.archive]: 'Unpack the archives, and give the folder of the images.',
  [SKIPPED.netpbm]: 'Convert the images to PNG.',
  [SKIPPED.volume]: 'Export the slices as PNG or DICOM files.',
  [SKIPPED.raw]: 'Convert the images to PNG.',
  [SKIPPED.encoding]: 'Rename the files: `convmv -f latin1 -t utf8 -r --notest FOLDER`.',
  [SKIPPED.encrypted]: 'Unpack the archive with its password, and give the folder.',
  [SKIPPED.zipLink]: 'Create the archive again with the files that the links name.',
  [SKIPPED.method]: 'Create the archive again with the usual compression (deflate), or give the folder.',
  [SKIPPED.large]: 'Make the files smaller, or give the folder.',
  [SKIPPED.twice]: 'Create the archive again, with one file of each name.',
};

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
  [/\.(nii|nii\.gz|mha|mhd|zraw|nrrd|nhdr|mnc|hdr)$/i, SKIPPED.volume],
  [/\.(raw|img)$/i, SKIPPED.raw],
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
