/** The interface of a source of images: a folder, an archive or a bucket. */
import { DatasetError, ImageError } from '../../core/errors.js';
import { kindOfBytes, kindOfName, REMEDIES, SKIPPED } from './file-kinds.js';
import { mapInOrder } from '../in-flight.js';
import type { Column } from './column.js';
import { ImageListWriter } from './image-list.js';
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

export interface ListOptions {
  /** Number of images so far. Called at least once for each, and again where they are read. */
  onImage?: (done: number) => void;
  signal?: AbortSignal;
}

/** Checksums of the files of a source that would have to read them for it, kept between runs. */
export interface Checksums {
  /** The checksum of a file, by a hash of name, size and time. */
  find(version: string): string | undefined;
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
  list(options?: ListOptions): Promise<Column<SourceImage>>;
  /** Set before {@link list}: files with a known checksum are not read for it. */
  knownChecksums?: Checksums | null;
  /** Version and checksum of each listed file that a later listing may trust. */
  checksums?(): Iterable<[string, string]>;
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
  readonly #images = new ImageListWriter();
  readonly #unknown = new ImageListWriter();

  constructor(
    private readonly contents: SourceContents,
    private readonly options: ListOptions = {},
  ) {}

  add(file: SourceImage): void {
    const { onImage, signal } = this.options;
    signal?.throwIfAborted();
    const kind = kindOfName(file.name);
    if (kind === 'image') this.#images.add(file);
    else if (kind === 'unknown') this.#unknown.add(file);
    onImage?.(this.#images.length);
    if (typeof kind === 'string' && kind !== 'table') return;
    if (kind === 'table') this.contents.addTable(file.name);
    else this.contents.skip(kind.skipped, file.name);
  }

  /**
   * The images, in ascending order of names. Files whose names do not say what they are are images
   * by their first bytes.
   *
   * @throws DatasetError when there are no images; it says what there is instead.
   */
  async sorted(
    uri: string,
    readHead: (file: SourceImage) => Promise<Uint8Array>,
  ): Promise<Column<SourceImage>> {
    const { onImage, signal } = this.options;
    const sniff = async (file: SourceImage) => ({ file, kind: kindOfBytes(await readHead(file)) });
    for await (const { file, kind } of mapInOrder(this.#unknown.sorted(), CONCURRENT_FILES, sniff, signal)) {
      if (kind === 'image') this.#images.add(file);
      else this.contents.skip(kind.skipped, file.name);
      onImage?.(this.#images.length);
    }
    if (this.#images.length === 0) throw noImages(uri, this.contents);
    return this.#images.sorted();
  }
}

function noImages(uri: string, { skipped }: SourceContents): DatasetError {
  const found = describeSkipped(skipped);
  return new DatasetError({
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
