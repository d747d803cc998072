/** Counts what is written to a shard: its report, and where each of its images is. */
import type { MadeImage } from '../pixels/make-image.js';
import { crc32 } from './crc32.js';
import { type DatasetSplit, imageName, type RejectedImage } from './dataset-manifest.js';
import type { MadeLine } from './earlier-images.js';
import { ExposureCounter } from './exposure.js';
import type { FilePlace } from './made-images.js';
import type { PlannedImage, ShardReport } from './plan-file.js';
import { joinSizes, sizesOf, type SourceSizes } from './source-sizes.js';
import { LOCAL_HEADER_BYTES, type ZipFileContent } from './stored-zip.js';

export interface ShardPlace {
  split: DatasetSplit;
  /** Key of the archive. */
  key: string;
  /** Number of files of each image. */
  copies: 1 | 2;
  /** Side of the images. */
  resolution: number;
}

export class ShardContents {
  readonly #place: ShardPlace;
  readonly #images: ShardReport['images'] = [];
  readonly #rejected: RejectedImage[] = [];
  readonly #notes: ShardReport['notes'] = {};
  readonly #exposure = new ExposureCounter();
  #sizes: SourceSizes | null = null;
  /** Length of the archive so far. */
  #written = 0;
  /** Where each image is, for later data sets. */
  readonly lines: MadeLine[] = [];

  constructor(place: ShardPlace) {
    this.#place = place;
  }

  get isEmpty(): boolean {
    return this.#images.length === 0;
  }

  report(part: ShardReport['part']): ShardReport {
    return {
      split: this.#place.split,
      part,
      images: this.#images,
      rejected: this.#rejected,
      notes: this.#notes,
      exposure: this.#exposure.exposures,
      sizes: this.#sizes,
    };
  }

  /**
   * @param content what the image was made of
   * @returns its files, in the order in which they must be written
   */
  *add(planned: PlannedImage, content: string, made: MadeImage): Generator<ZipFileContent> {
    const { notes } = made;
    for (const note of notes) this.#notes[note] = (this.#notes[note] ?? 0) + 1;
    if ('reason' in made) {
      this.#rejected.push(rejectedOf(planned, made.reason));
      this.lines.push({ content, notes, reason: made.reason });
      return;
    }
    const { facts } = made;
    const { key, copies, resolution } = this.#place;
    this.#exposure.addImage(planned.label, facts);
    this.#sizes = joinSizes(this.#sizes, sizesOf(facts, resolution));
    const files: FilePlace[] = [];
    this.lines.push({ content, notes, key, files, facts });
    yield* this.#addFiles(planned, made.files.slice(0, copies), files);
  }

  *#addFiles(
    { index, label }: PlannedImage,
    pngs: Uint8Array[],
    places: FilePlace[],
  ): Generator<ZipFileContent> {
    for (const [copy, bytes] of pngs.entries()) {
      const name = imageName(index + copy);
      this.#images.push([name, label]);
      this.#written += LOCAL_HEADER_BYTES + Buffer.byteLength(name);
      places.push([this.#written, bytes.byteLength, crc32(bytes)]);
      this.#written += bytes.byteLength;
      yield { name, bytes };
    }
  }
}

function rejectedOf({ name, position, frame }: PlannedImage, reason: string): RejectedImage {
  const what = frame === undefined ? reason : `frame ${frame}: ${reason}`;
  return { name, ...(position === undefined ? {} : { position }), reason: what };
}
