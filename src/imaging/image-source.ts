/** The interface of a source of images: a folder, an archive or a bucket. */
import { DatasetError, ImageError } from '../core/errors.js';
import { compareKeys } from '../storage/index.js';

/** One image file of a source. */
export interface SourceImage {
  /** Relative path with forward slashes. */
  name: string;
  bytes: number;
  /** Changes when the content changes: a checksum if available, otherwise size and time. */
  identity: string;
}

export interface ImageSource {
  readonly uri: string;
  /**
   * Number of files that were ignored, because their names are not image names. Complete after
   * {@link list}.
   */
  readonly ignored: number;
  /**
   * Lists the image files in ascending order of names (by UTF-8 bytes).
   *
   * @throws DatasetError when the source is missing, unreadable or contains no images; ArchiveError
   *   when the archive is corrupt or malicious.
   */
  list(): AsyncIterable<SourceImage>;
  /**
   * Reads the bytes of one image file.
   *
   * @throws ImageError when the file is too large or corrupt within its archive; ArchiveError when
   *   it unpacks to more than its declared size.
   */
  read(name: string, options?: { maxBytes?: number }): Promise<Uint8Array>;
}

/** Maximum size of an image file: 512 MiB. */
export const MAX_FILE_BYTES = 512 * 2 ** 20;

/**
 * Extensions of the formats that can be decoded, and of unsupported image formats, which are
 * rejected with an error rather than ignored.
 */
const IMAGE_FILE = /\.(jpe?g|jpe|jfif|png|tiff?|webp|gif|bmp|dcm|dicom|heic|heif|avif|jp2)$/i;

/** Whether a name has an image extension and is not metadata of a file manager (macOS). */
export function isImageName(name: string): boolean {
  return (
    IMAGE_FILE.test(name) && !name.split('/').some((part) => part === '__MACOSX' || part.startsWith('._'))
  );
}

/**
 * Sorts the images of a source by name.
 *
 * @throws DatasetError when there are no images.
 */
export function sortedImages(uri: string, images: SourceImage[], ignored: number): SourceImage[] {
  if (images.length === 0) {
    throw new DatasetError({
      what: ignored > 0 ? `contains no images (${ignored} other files)` : 'contains no images',
      where: uri,
      hint: 'Give the folder, .zip or s3:// prefix that contains JPEG, PNG, TIFF or WebP files.',
    });
  }
  return images.sort((a, b) => compareKeys(a.name, b.name));
}

export function tooLarge(where: string, bytes: number, maxBytes: number): ImageError {
  return new ImageError({ what: `has ${bytes} bytes; at most ${maxBytes} are read`, where });
}
