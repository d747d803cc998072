/** The interface of a source of images: a folder, an archive or a bucket. */
import { DatasetError, ImageError } from '../../core/errors.js';
import { compareKeys } from '../../storage/uri.js';
import { kindOfBytes, kindOfName, REMEDIES, SKIPPED } from './file-kinds.js';
import { mapInOrder } from '../in-flight.js';
import { describeSkipped, type SourceContents } from './source-contents.js';

/** One image file of a source. */
export interface SourceImage {
  /** Relative path with forward slashes. */
  name: string;
  bytes: number;
  /** Changes when the content changes: a checksum if available, otherwise size and time. */
  identity: string;
  /** A frame of a file of which all are used, from 0. */
  frame?: number;
}

export interface ImageSource {
  readonly uri: string;
  /** What else the source holds. Complete after {@link list}. */
  readonly contents: SourceContents;
  /**
   * Lists the image files in ascending order of names (by UTF-8 bytes).
   *
   * @throws SourceMissingError when this machine does not have the source; DatasetError when it is
   *   unreadable or contains no images; ArchiveError when the archive is corrupt or malicious.
   */
  list(): AsyncIterable<SourceImage>;
  /**
   * Checksums of files by a hash of name, size and time, for a source that would have to read the
   * files for them: known ones before {@link list}, all of them after it.
   */
  checksums?: ReadonlyMap<string, string>;
  /** Path of a file that a thread of this process can read as a whole; null for others. */
  localPath?(image: SourceImage): string | null;
  /**
   * Reads the bytes of one file.
   *
   * @throws ImageError when the file is too large or corrupt within its archive; ArchiveError when
   *   it unpacks to more than its declared size.
   */
  read(name: string, options?: { maxBytes?: number }): Promise<Uint8Array>;
}

/** Maximum size of an image file: 512 MiB. */
export const MAX_FILE_BYTES = 512 * 2 ** 20;

/** Number of files read concurrently: opening a small file takes longer than reading it. */
const CONCURRENT_FILES = 8;

/** Collects the images among the files of a source, and counts the others. */
export class FoundImages {
  readonly #images: SourceImage[] = [];
  readonly #unknown: SourceImage[] = [];

  constructor(private readonly contents: SourceContents) {}

  add(file: SourceImage): void {
    const kind = kindOfName(file.name);
    if (kind === 'image') this.#images.push(file);
    else if (kind === 'unknown') this.#unknown.push(file);
    else if (kind === 'table') this.contents.addTable(file.name);
    else this.contents.skip(kind.skipped, file.name);
  }

  /**
   * The images, in ascending order of names. Files whose names do not say what they are are images
   * by their first bytes.
   *
   * @throws DatasetError when there are no images; it says what there is instead.
   */
  async sorted(uri: string, readHead: (file: SourceImage) => Promise<Uint8Array>): Promise<SourceImage[]> {
    const sniff = async (file: SourceImage) => ({ file, kind: kindOfBytes(await readHead(file)) });
    for await (const { file, kind } of mapInOrder(this.#unknown, CONCURRENT_FILES, sniff)) {
      if (kind === 'image') this.#images.push(file);
      else this.contents.skip(kind.skipped, file.name);
    }
    return sortedImages(uri, this.#images, this.contents);
  }
}

function sortedImages(uri: string, images: SourceImage[], { skipped }: SourceContents): SourceImage[] {
  if (images.length > 0) return images.sort((a, b) => compareKeys(a.name, b.name));
  const found = describeSkipped(skipped);
  throw new DatasetError({
    what: found ? `contains no images that can be read, but ${found}` : 'contains no images',
    where: uri,
    hint: hintFor(skipped),
  });
}

/** The remedy for what most of the files are. */
function hintFor(skipped: Readonly<Record<string, number>>): string {
  const [reason] = Object.entries(skipped).sort(([, a], [, b]) => b - a)[0] ?? [];
  if (reason === SKIPPED.dicomdir)
    return 'A DICOMDIR lists images: give the folder that holds it and the images.';
  return (
    REMEDIES[reason ?? ''] ??
    'Give the folder, .zip or s3:// prefix that contains JPEG, PNG, TIFF, WebP or DICOM files.'
  );
}

export function tooLarge(where: string, bytes: number, maxBytes: number): ImageError {
  return new ImageError({ what: `has ${bytes} bytes; at most ${maxBytes} are read`, where });
}
