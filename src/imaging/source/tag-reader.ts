/** The tags of the DICOM files of a source that labels, subsets and patients need. */
import { ImageError } from '../../core/errors.js';
import { looksLikeDicom } from '../dicom/sniff.js';
import { readDicomTags } from '../dicom/tags.js';
import { mapInOrder } from '../in-flight.js';
import { withBytes } from './bounded-read.js';
import { Column, type Sequence } from './column.js';
import type { ImageSource, SourceImage } from './image-source.js';

/** Number of files read concurrently. */
const CONCURRENT_FILES = 8;

/** Tags stay in memory, since patients are in them. */
export interface ImageTags {
  /** Values by keyword, of every image; an image without readable tags has none. */
  values: Sequence<Record<string, string>>;
  /** Number of DICOM files that are damaged before their tags end, or too large to be read. */
  damaged: number;
  /** Number of images of other formats, which have no tags. */
  others: number;
}

/** Reads whole files, since a header may be of any length. */
export async function tagsOfImages(
  source: ImageSource,
  images: Sequence<SourceImage>,
  keywords: readonly string[],
  { onImage, signal }: { onImage?: (done: number) => void; signal?: AbortSignal },
): Promise<ImageTags> {
  const tagsOf = (bytes: Uint8Array) => (looksLikeDicom(bytes) ? readDicomTags(bytes, keywords) : null);
  const read = (image: SourceImage) => withBytes(source, image, tagsOf).catch(damagedImage);
  const table = new TagTable(keywords, images.length);
  const found: ImageTags = { values: table.values, damaged: 0, others: 0 };
  let done = 0;
  for await (const tags of mapInOrder(images, CONCURRENT_FILES, read, signal)) {
    if (tags === 'damaged') found.damaged++;
    if (tags === null) found.others++;
    if (tags !== null && tags !== 'damaged') table.set(done, tags);
    done++;
    onImage?.(done);
  }
  return found;
}

/** Tags of many images, of which most have the values of others. */
class TagTable {
  /** Number of the value of each keyword for each image; 0 for none. */
  readonly #numbers: Map<string, Uint32Array>;
  readonly #texts: string[] = [''];
  readonly #known = new Map<string, number>();
  readonly values: Column<Record<string, string>>;

  constructor(keywords: readonly string[], length: number) {
    this.#numbers = new Map(keywords.map((keyword) => [keyword, new Uint32Array(length)]));
    this.values = new Column(length, (i) => this.#tagsOf(i));
  }

  set(image: number, tags: Readonly<Record<string, string>>): void {
    for (const [keyword, text] of Object.entries(tags)) {
      const known = this.#known.get(text) ?? this.#texts.push(text) - 1;
      this.#known.set(text, known);
      const numbers = this.#numbers.get(keyword);
      if (numbers) numbers[image] = known;
    }
  }

  #tagsOf(image: number): Record<string, string> {
    const tags: Record<string, string> = {};
    for (const [keyword, numbers] of this.#numbers)
      if (numbers[image]) tags[keyword] = this.#texts[numbers[image]] as string;
    return tags;
  }
}

function damagedImage(error: unknown): 'damaged' {
  if (error instanceof ImageError) return 'damaged';
  throw error;
}
