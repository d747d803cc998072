/** The tags of the DICOM files of a source that labels, subsets and patients need. */
import { ImageError } from '../../core/errors.js';
import { looksLikeDicom } from '../dicom/sniff.js';
import { readDicomTags } from '../dicom/tags.js';
import { mapInOrder } from '../in-flight.js';
import { withBytes } from './bounded-read.js';
import type { ImageSource, SourceImage } from './image-source.js';

/** Number of files read concurrently. */
const CONCURRENT_FILES = 8;

/** Tags stay in memory, since patients are in them. */
export interface ImageTags {
  /** Values by keyword, of every image; an image without readable tags has none. */
  values: Record<string, string>[];
  /** Number of DICOM files that are damaged before their tags end, or too large to be read. */
  damaged: number;
  /** Number of images of other formats, which have no tags. */
  others: number;
}

/** Reads whole files, since a header may be of any length. */
export async function tagsOfImages(
  source: ImageSource,
  images: readonly SourceImage[],
  keywords: readonly string[],
  { onImage, signal }: { onImage?: (done: number) => void; signal?: AbortSignal },
): Promise<ImageTags> {
  const tagsOf = (bytes: Uint8Array) => (looksLikeDicom(bytes) ? readDicomTags(bytes, keywords) : null);
  const read = (image: SourceImage) => withBytes(source, image, tagsOf).catch(damagedImage);
  const found: ImageTags = { values: [], damaged: 0, others: 0 };
  for await (const tags of mapInOrder(images, CONCURRENT_FILES, read, signal)) {
    if (tags === 'damaged') found.damaged++;
    if (tags === null) found.others++;
    found.values.push(tags === null || tags === 'damaged' ? {} : tags);
    onImage?.(found.values.length);
  }
  return found;
}

function damagedImage(error: unknown): 'damaged' {
  if (error instanceof ImageError) return 'damaged';
  throw error;
}
