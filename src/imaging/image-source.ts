/** What every source of images offers, whether it is a folder, an archive or a bucket. */
import { DatasetError, ImageError } from '../core/errors.js';
import { compareKeys } from '../storage/index.js';

/** One image file of a source, not yet read. */
export interface SourceImage {
  /** Relative path with forward slashes. */
  name: string;
  bytes: number;
  /** Changes when the content does: a checksum where one is at hand, else size and time. */
  identity: string;
}

export interface ImageSource {
  readonly uri: string;
  /** Files that were met and left alone, because their names are not those of images; complete after {@link list}. */
  readonly ignored: number;
  /**
   * The image files in ascending order of names (by UTF-8 bytes).
   *
   * @throws DatasetError when the source is missing, unreadable or without images; ArchiveError when it is hostile.
   */
  list(): AsyncIterable<SourceImage>;
  /**
   * The bytes of one image.
   *
   * @throws ImageError when it is too large or damaged within its archive, ArchiveError when it is hostile.
   */
  read(name: string, options?: { maxBytes?: number }): Promise<Uint8Array>;
}

/** No image file may be larger: 512 MiB. */
export const MAX_FILE_BYTES = 512 * 2 ** 20;

/** Extensions of what can be decoded, and of image files that are refused by name rather than passed over in silence. */
const IMAGE_FILE = /\.(jpe?g|jpe|jfif|png|tiff?|webp|gif|bmp|dcm|dicom|heic|heif|avif|jp2)$/i;

/** Whether a name is that of an image file: by extension, and not one that a file manager leaves behind. */
export function isImageName(name: string): boolean {
  return (
    IMAGE_FILE.test(name) && !name.split('/').some((part) => part === '__MACOSX' || part.startsWith('._'))
  );
}

/** Sorts what a source found; an empty result is the user's mistake. */
export function sortedImages(uri: string, images: SourceImage[], ignored: number): SourceImage[] {
  if (images.length === 0) {
    throw new DatasetError({
      what: ignored > 0 ? `holds no images (${ignored} other files)` : 'holds no images',
      where: uri,
      hint: 'Name the folder, .zip or s3:// prefix that holds JPEG, PNG, TIFF or WebP files.',
    });
  }
  return images.sort((a, b) => compareKeys(a.name, b.name));
}

export function tooLarge(where: string, bytes: number, maxBytes: number): ImageError {
  return new ImageError({ what: `is a file of ${bytes} bytes; at most ${maxBytes} are read`, where });
}
