/** With `dicom.frames: all`, each frame of a file is an image of its own. */
import { ImageError } from '../../core/errors.js';
import { readDicomFile } from '../dicom/file.js';
import { countFrames } from '../dicom/frames.js';
import { describeImage } from '../dicom/image-description.js';
import { describeDicomError } from '../dicom/open.js';
import { looksLikeDicom } from '../dicom/sniff.js';
import { mapInOrder } from '../in-flight.js';
import { withBytes } from '../source/bounded-read.js';
import type { Sequence } from '../source/column.js';
import type { ImageSource, SourceImage } from '../source/image-source.js';

/** Number of files read concurrently. */
const CONCURRENT_FILES = 8;
/** Frames of one file that are used at most: half an hour of ultrasound. */
export const MAX_FRAMES = 100_000;

/**
 * The number of images that each file gives: that of its frames, and 1 for other files. Reads whole
 * files, since the pixels say how many of the declared frames there are.
 */
export async function framesOfFiles(
  source: ImageSource,
  files: Sequence<SourceImage>,
  { onFile, signal }: { onFile?: (done: number) => void; signal?: AbortSignal },
): Promise<Uint32Array> {
  const counts = new Uint32Array(files.length);
  const count = (file: SourceImage) => withBytes(source, file, framesOf).catch(oneOfDamaged);
  let done = 0;
  for await (const frames of mapInOrder(files, CONCURRENT_FILES, count, signal)) {
    counts[done++] = Math.min(frames, MAX_FRAMES);
    onFile?.(done);
  }
  return counts;
}

function framesOf(bytes: Uint8Array): number {
  if (!looksLikeDicom(bytes)) return 1;
  try {
    const file = readDicomFile(bytes);
    return countFrames(file, describeImage(file));
  } catch (error) {
    throw describeDicomError(error, undefined);
  }
}

/** A damaged file is one image, which says why it is not used. */
function oneOfDamaged(error: unknown): number {
  if (error instanceof ImageError) return 1;
  throw error;
}
